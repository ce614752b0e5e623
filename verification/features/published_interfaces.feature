Feature: What is published of the interfaces
  Programs are written against the JSON schemas and the conformance statements, so the device does what these say, and nothing else.

  @SRS-152 @RC-017 @RC-022
  Scenario Outline: Every result and every refusal record is valid under its published schema
    Given <the batch>
    Then <results> results and <records> records are valid under the schema that is published for what they name, and so is each decision trace

    Examples:
      | the batch                                                                                         | results | records |
      | the batch of a good film, a text file, a truncated film, a lateral film and another good film     | 2       | 3       |
      | the research batch of a good film, a Secondary Capture and a film with assumptions                | 3       | 1       |

  @SRS-152 @RC-017 @RC-022
  Scenario Outline: A value that breaks a promise of the schema is not valid
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then its first result with <harm> is not valid under the published schema

    Examples:
      | harm                               |
      | a finding left out                 |
      | a finding that is called normal    |
      | a mark without a box               |
      | a finding without operating point  |
      | no statement of status             |
      | an unknown field                   |

  @SRS-153
  Scenario: The device reads the transfer syntaxes of its conformance statement and no other
    Given the conformance statements as they are published
    Then a film of each transfer syntax that they state is read, and of every other one that DICOM knows is refused with IN-SYNTAX

  @SRS-153
  Scenario: The device writes the objects of its conformance statement and no other
    Given the conformance statements as they are published
    And a chest film for the archive
    When it is analysed under the intended-use policy and all kinds of DICOM objects are written
    Then its objects have SOP class, modality, series number and series description as both statements say, and none is missing

  @SRS-153
  Scenario: Every code in a structured report stands in the conformance statement
    Given the conformance statements as they are published
    And a chest film for the archive
    When it is analysed under the intended-use policy and all kinds of DICOM objects are written
    Then each coded concept of its structured report stands in the DICOM conformance statement with scheme and meaning

  @SRS-153
  Scenario: The statements claim no more than there is
    Given the conformance statements as they are published
    Then both say that the device is not cleared, opens no network connection, and was tested at no Connectathon or claims no association
