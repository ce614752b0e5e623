Feature: Structured report
  Machines in the archive read what was marked, what was not, and what was not analysed, filed under the patient and study of the film.

  @SRS-083 @RC-022 @RC-035
  Scenario Outline: Every mark is a region of the report, at its place and with its score
    Given an analysed chest film of <rows> x <columns> pixels with one detection in its middle
    When its DICOM objects are written
    Then the report keeps to every row of its templates
    And each detection is a region of the report within 0.5 pixel, with its finding, site and score, on that film
    And highdicom reads the same regions

    Examples:
      | rows | columns |
      | 512  | 512     |
      | 1000 | 600     |
      | 600  | 1000    |

  @SRS-083 @RC-022 @RC-035
  Scenario: Each finding has one group that says whether it was marked, and what made it
    Given an analysed chest film of 512 x 512 pixels with one detection of each finding
    When its DICOM objects are written
    Then the report keeps to every row of its templates
    And each of the seven findings has one group that says Present
    And each group names version, model, bundle, preprocessing and operating point

  @SRS-083 @SRS-046 @RC-017
  Scenario: A film without marks has seven groups that say Absent, and no object calls it normal
    Given an analysed chest film of 512 x 512 pixels without detection
    When its DICOM objects are written
    Then the report keeps to every row of its templates
    And each of the seven findings has one group that says Absent
    And both objects say that no finding was marked, and none of them says normal, healthy or negative

  @SRS-084 @RC-035
  Scenario Outline: The patient's name arrives unchanged, whatever the film's character sets
    Given a chest film for the archive whose patient is named <name> in <character sets>
    When it is analysed and its DICOM objects are written
    Then each object holds the name <name> in Unicode, and the film's patient and study as they are
    And each object lies in a series of its own and refers to the film

    Examples:
      | name                            | character sets                          |
      | Wang^XiaoDong=王^小東=          | GB18030                                 |
      | Zhang^XiaoDong=张^小东          | ISO_IR 192                              |
      | Wang^XiaoDong=王^小东           | ISO 2022 IR 6\ISO 2022 IR 58            |
      | Yamada^Tarou=山田^太郎=やまだ^たろう | ISO 2022 IR 6\ISO 2022 IR 87            |
      | Hong^Gildong=洪^吉洞=홍^길동    | ISO 2022 IR 6\ISO 2022 IR 149           |
      | Buc^Jérôme                      | ISO_IR 100                              |
      | Люкceмбypг                      | ISO_IR 144                              |

  @SRS-084 @RC-035
  Scenario Outline: Where the film does not say whose it is, no object is written and the record says so
    Given a chest film for the archive with <fault>
    When it is analysed for research and its DICOM objects are written
    Then there is no DICOM object, and the record names <place>

    Examples:
      | fault                                   | place                            |
      | a name in characters it does not declare | (0010,0010) PatientName          |
      | a character set that nobody knows       | (0008,0005) SpecificCharacterSet |
      | no Study Instance UID                   | (0020,000D) StudyInstanceUID     |
      | no Series Instance UID                  | (0020,000E) SeriesInstanceUID    |
      | a script in its accession number        | (0008,0050) AccessionNumber      |

  @SRS-085 @RC-035
  Scenario: A second run gives the same UIDs, and anything else gives others
    Given a chest film for the archive
    When it is analysed twice an hour apart, and once under the research policy
    Then both runs give the same UIDs, and the objects differ in nothing but their times
    And the research run gives other UIDs for its instances, series and tracked marks

  @SRS-087 @RC-016 @RC-017
  Scenario: A refused film leaves a report and a presentation state that say why
    Given a lateral chest film for the archive with a window of width 0
    When it is analysed and its DICOM objects are written
    Then the report keeps to every row of its templates
    And the report is partial, holds no region, and each of its groups says Not Attempted
    And both objects hold ADM-VIEW and ADM-WINDOW-WIDTH and say that the film was not analysed

  @SRS-047 @SRS-048 @RC-018 @RC-019
  Scenario Outline: Every object says what it is, and research objects say RESEARCH
    Given a chest film for the archive
    When it is analysed under the <policy> policy and all kinds of DICOM objects are written
    Then each object says that the device is not cleared
    And <marked> of the three objects say RESEARCH

    Examples:
      | policy       | marked |
      | intended-use | 0      |
      | research     | 3      |

  @SRS-088 @RC-003
  Scenario: A Secondary Capture is the overlay, says that it is derived, and is no input
    Given a chest film for the archive
    When it is analysed under the intended-use policy and all kinds of DICOM objects are written
    Then the Secondary Capture shows the overlay and is marked as derived, secondary and with burned-in text
    And the device refuses the Secondary Capture, and without the option there is none
