Feature: Admission under the research policy
  Research may look at films that the intended use excludes, by asking for it by name; what was assumed is a caution, and what cannot be a chest film of an adult stays refused.

  @SRS-020 @RC-018
  Scenario: The two policies are the only ones
    When the device lists its policies
    Then they are intended-use and research, and nothing else

  @SRS-020
  Scenario Outline: Research admits what the intended use admits
    Given a chest film
    And its <attribute> is <value>
    When the device analyses it under the research policy
    Then it is analysed

    Examples:
      | attribute        | value                |
      | ViewPosition     | PA                   |
      | ViewPosition     | AP                   |
      | SOPClassUID      | Computed Radiography |
      | PatientAge       | 018Y                 |
      | BodyPartExamined | THORAX               |
      | VOILUTFunction   | SIGMOID              |

  @SRS-010 @SRS-012 @SRS-017 @SRS-019 @RC-029
  Scenario Outline: What is not stated is admitted with a caution
    Given a chest film
    And its <attribute> is <value>
    When the device analyses it under the research policy
    Then it is analysed
    And a caution mentions "<caution>"

    Examples:
      | attribute          | value             | caution                 |
      | ViewPosition       | empty             | ADM-VIEW-MISSING        |
      | ViewPosition       | absent            | ADM-VIEW-MISSING        |
      | BodyPartExamined   | empty             | ADM-BODY-PART-MISSING   |
      | PatientOrientation | absent            | ADM-ORIENTATION-MISSING |
      | SOPClassUID        | Secondary Capture | ADM-SECONDARY           |
      | ImageType          | DERIVED\SECONDARY | ADM-SECONDARY           |

  @SRS-015 @RC-029
  Scenario: A film without window uses its full range, and says so
    Given a chest film
    And it states neither window nor VOI lookup table
    When the device analyses it under the research policy
    Then it is analysed
    And a caution mentions "full range"

  @SRS-072 @RC-029
  Scenario Outline: A film below the matrix of the intended use carries a caution
    Given a chest film of <rows> x <columns> pixels
    When the device analyses it under the research policy
    Then it is analysed
    And the cautions that mention "adm-small" number <count>

    Examples:
      | rows | columns | count |
      | 450  | 512     | 1     |
      | 400  | 400     | 1     |
      | 512  | 512     | 0     |

  @SRS-073
  Scenario: A film that is mostly border is admitted with a caution
    Given a chest film
    And its chest is shrunk to 0.45 of either side of a blackened film
    When the device analyses it under the research policy
    Then it is analysed
    And a caution mentions "ADM-COLLIMATED"

  @SRS-011
  Scenario: A film of unknown age is admitted with a caution
    Given a chest film
    And it states no age and no birth date
    When the device analyses it under the research policy
    Then it is analysed
    And a caution mentions "ADM-AGE-MISSING"

  @SRS-008 @SRS-009 @SRS-010 @SRS-011 @SRS-012 @SRS-015 @SRS-017 @RC-003 @RC-004 @RC-005 @RC-006 @RC-008 @RC-009
  Scenario Outline: What is no frontal chest film of an adult stays refused
    Given a chest film
    And its <attribute> is <value>
    When the device analyses it under the research policy
    Then it is refused with <code>

    Examples:
      | attribute                 | value                        | code             |
      | SOPClassUID               | CT                           | ADM-SOP-CLASS    |
      | SOPClassUID               | Digital X-Ray for processing | ADM-SOP-CLASS    |
      | Modality                  | MG                           | ADM-MODALITY     |
      | PhotometricInterpretation | PALETTE COLOR                | ADM-COLOUR       |
      | ViewPosition              | LL                           | ADM-VIEW         |
      | PatientAge                | 017Y                         | ADM-CHILD        |
      | PatientAge                | 011M                         | ADM-CHILD        |
      | BodyPartExamined          | KNEE                         | ADM-BODY-PART    |
      | WindowWidth               | 0                            | ADM-WINDOW-WIDTH |
      | WindowWidth               | -1                           | ADM-WINDOW-WIDTH |
      | RescaleSlope              | 0                            | ADM-SLOPE        |
      | PatientOrientation        | R\F                          | ADM-ORIENTATION  |
      | PatientOrientation        | A\F                          | ADM-ORIENTATION  |

  @SRS-018 @RC-011
  Scenario: Contradictory identity stays refused
    Given a chest film
    And its file meta information names another SOPInstanceUID
    When the device analyses it under the research policy
    Then it is refused with ADM-IDENTITY

  @SRS-009 @RC-003
  Scenario Outline: Colour and multi-frame images stay refused
    Given a chest film
    And <change>
    When the device analyses it under the research policy
    Then it is refused with <code>

    Examples:
      | change                                          | code       |
      | it is written as RGB with three samples a pixel | ADM-COLOUR |
      | it has two frames                               | ADM-FRAMES |

  @SRS-013 @RC-008
  Scenario Outline: The smallest and the most elongated film
    Given a chest film of <rows> x <columns> pixels
    When the device analyses it under the research policy
    Then it ends with <outcome>

    Examples:
      | rows | columns | outcome    |
      | 400  | 400     | analysed   |
      | 399  | 400     | ADM-SIZE   |
      | 400  | 399     | ADM-SIZE   |
      | 512  | 1100    | ADM-ASPECT |

  @SRS-014 @RC-008
  Scenario Outline: A film without image stays refused
    Given a chest film
    And <content>
    When the device analyses it under the research policy
    Then it is refused with ADM-GREY-LEVELS

    Examples:
      | content                                        |
      | all its stored values are equal                |
      | its stored values hold only 63 distinct values |
