Feature: Admission under the intended-use policy
  The device is for frontal CR and DX chest films of adults. Everything else is refused with a code, before the network sees it.

  @SRS-008 @SRS-010 @SRS-011 @SRS-012
  Scenario: A conformant frontal chest film of an adult is analysed
    Given a chest film
    When the device analyses it under the intended-use policy
    Then it is analysed
    And no caution is given

  @SRS-008 @SRS-010 @SRS-011 @SRS-012 @SRS-013 @SRS-014 @SRS-017 @SRS-018
  Scenario Outline: Variants inside the intended use are analysed
    Given a chest film
    And its <attribute> is <value>
    When the device analyses it under the intended-use policy
    Then it is analysed

    Examples:
      | attribute                  | value                          |
      | SOPClassUID                | Computed Radiography           |
      | SOPClassUID                | Digital X-Ray for presentation |
      | Modality                   | CR                             |
      | ViewPosition               | AP                             |
      | BodyPartExamined           | THORAX                         |
      | PatientAge                 | 018Y                           |
      | PatientAge                 | 099Y                           |
      | PatientSex                 | empty                          |
      | PatientOrientation         | L\F                            |
      | BurnedInAnnotation         | absent                         |
      | ImageType                  | DERIVED\PRIMARY                |
      | PixelIntensityRelationship | LIN                            |
      | VOILUTFunction             | LINEAR_EXACT                   |
      | VOILUTFunction             | SIGMOID                        |
      | RescaleSlope               | absent                         |
      | PatientName                | empty                          |
      | Manufacturer               | absent                         |

  @SRS-001 @SRS-008
  Scenario Outline: A compressed film without loss is analysed
    Given a chest film
    And it is encoded as <syntax>
    When the device analyses it under the intended-use policy
    Then it is analysed
    And the result is that of the uncompressed film

    Examples:
      | syntax             |
      | Deflated           |
      | RLE Lossless       |
      | JPEG Lossless SV1  |
      | JPEG-LS Lossless   |
      | JPEG 2000 Lossless |

  @SRS-008 @RC-003
  Scenario Outline: Other kinds of image are refused
    Given a chest film
    And its SOPClassUID is <class>
    And its Modality is <modality>
    When the device analyses it under the intended-use policy
    Then it is refused with <code>

    Examples:
      | class                          | modality | code          |
      | CT                             | CT       | ADM-SOP-CLASS |
      | MR                             | MR       | ADM-SOP-CLASS |
      | mammography                    | MG       | ADM-SOP-CLASS |
      | ultrasound                     | US       | ADM-SOP-CLASS |
      | Digital X-Ray for processing   | DX       | ADM-SOP-CLASS |
      | CT                             | DX       | ADM-SOP-CLASS |
      | Digital X-Ray for presentation | CT       | ADM-MODALITY  |
      | Computed Radiography           | MG       | ADM-MODALITY  |
      | Computed Radiography           | empty    | ADM-MODALITY  |
      | Computed Radiography           | PX       | ADM-MODALITY  |

  @SRS-008 @RC-003
  Scenario Outline: An intent that contradicts the kind of image is refused under both policies
    Given a chest film
    And its PresentationIntentType is <intent>
    When the device analyses it under the <policy> policy
    Then it ends with <outcome>

    Examples:
      | intent           | policy       | outcome    |
      | FOR PROCESSING   | intended-use | ADM-INTENT |
      | FOR PROCESSING   | research     | ADM-INTENT |
      | FOR PRESENTATION | intended-use | analysed   |
      | absent           | intended-use | analysed   |

  @SRS-009 @RC-003
  Scenario Outline: Colour and multi-frame images are refused
    Given a chest film
    And <change>
    When the device analyses it under the intended-use policy
    Then it is refused with <code>

    Examples:
      | change                                            | code            |
      | it is written as RGB with three samples a pixel   | ADM-COLOUR      |
      | it is written as YBR_FULL with three samples a pixel | ADM-COLOUR   |
      | its PhotometricInterpretation is PALETTE COLOR    | ADM-COLOUR      |
      | its PhotometricInterpretation is MONOCHROME3      | ADM-PHOTOMETRIC |
      | its PhotometricInterpretation is absent           | ADM-PHOTOMETRIC |
      | it has two frames                                 | ADM-FRAMES      |

  @SRS-010 @RC-004
  Scenario Outline: Views that are not frontal are refused
    Given a chest film
    And its ViewPosition is <view>
    When the device analyses it under the intended-use policy
    Then it is refused with <code>

    Examples:
      | view   | code             |
      | LL     | ADM-VIEW         |
      | RL     | ADM-VIEW         |
      | LLD    | ADM-VIEW         |
      | RLD    | ADM-VIEW         |
      | LAO    | ADM-VIEW         |
      | empty  | ADM-VIEW-MISSING |
      | absent | ADM-VIEW-MISSING |

  @SRS-011 @RC-005
  Scenario Outline: A child's film is refused by stated age
    Given a chest film
    And it states the age <age> and no birth date
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-CHILD

    Examples:
      | age  |
      | 017Y |
      | 001Y |
      | 011M |
      | 215M |
      | 030W |
      | 012D |

  @SRS-011 @RC-005
  Scenario Outline: The age of the study day counts, to the day
    Given a chest film
    And it states no age but the birth date <birth> and the study date <study>
    When the device analyses it under the intended-use policy
    Then it ends with <outcome>

    Examples:
      | birth    | study    | outcome   |
      | 20060602 | 20240601 | ADM-CHILD |
      | 20060601 | 20240601 | analysed  |
      | 20060229 | 20240228 | ADM-      |
      | 19400101 | 20240601 | analysed  |

  @SRS-011 @RC-005
  Scenario Outline: An age that nobody reaches is refused under both policies
    Given a chest film
    And it states the age <age> and no birth date
    When the device analyses it under the <policy> policy
    Then it ends with <outcome>

    Examples:
      | age  | policy       | outcome       |
      | 120Y | intended-use | analysed      |
      | 121Y | intended-use | ADM-AGE-RANGE |
      | 999Y | research     | ADM-AGE-RANGE |

  @SRS-011 @RC-005
  Scenario: A child in one statement is a child, whatever the other says
    Given a chest film
    And its PatientAge is 040Y
    And its PatientBirthDate is 20150101
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-CHILD

  @SRS-011 @RC-005
  Scenario: A film of unknown age is refused
    Given a chest film
    And it states no age and no birth date
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-AGE-MISSING

  @SRS-012 @RC-006
  Scenario Outline: Other body parts are refused
    Given a chest film
    And its BodyPartExamined is <part>
    When the device analyses it under the intended-use policy
    Then it is refused with <code>

    Examples:
      | part    | code                  |
      | KNEE    | ADM-BODY-PART         |
      | ABDOMEN | ADM-BODY-PART         |
      | TSPINE  | ADM-BODY-PART         |
      | BREAST  | ADM-BODY-PART         |
      | empty   | ADM-BODY-PART-MISSING |
      | absent  | ADM-BODY-PART-MISSING |

  @SRS-013 @RC-008
  Scenario Outline: The smallest and the most elongated film
    Given a chest film of <rows> x <columns> pixels
    When the device analyses it under the intended-use policy
    Then it ends with <outcome>

    Examples:
      | rows | columns | outcome    |
      | 512  | 512     | analysed   |
      | 511  | 512     | ADM-SIZE   |
      | 512  | 511     | ADM-SIZE   |
      | 512  | 1024    | analysed   |
      | 512  | 1025    | ADM-ASPECT |
      | 1100 | 512     | ADM-ASPECT |

  @SRS-014 @RC-008
  Scenario Outline: A film without image is refused
    Given a chest film
    And <content>
    When the device analyses it under the intended-use policy
    Then it ends with <outcome>

    Examples:
      | content                                       | outcome         |
      | all its stored values are equal               | ADM-GREY-LEVELS |
      | its stored values hold only 2 distinct values | ADM-GREY-LEVELS |
      | its stored values hold only 63 distinct values | ADM-GREY-LEVELS |
      | its stored values hold only 64 distinct values | analysed        |

  @SRS-015 @RC-002 @RC-008
  Scenario Outline: Impossible windows and slopes are refused
    Given a chest film
    And its <attribute> is <value>
    When the device analyses it under the intended-use policy
    Then it is refused with <code>

    Examples:
      | attribute      | value | code             |
      | WindowWidth    | 0     | ADM-WINDOW-WIDTH |
      | WindowWidth    | -1    | ADM-WINDOW-WIDTH |
      | WindowWidth    | 0.5   | ADM-WINDOW-WIDTH |
      | RescaleSlope   | 0     | ADM-SLOPE        |
      | VOILUTFunction | GAMMA | ADM-VOI-FUNCTION |

  @SRS-071 @RC-008
  Scenario Outline: An impossible pixel spacing is refused under both policies
    Given a chest film
    And its <attribute> is <value>
    When the device analyses it under the <policy> policy
    Then it ends with <outcome>

    Examples:
      | attribute          | value    | policy       | outcome     |
      | PixelSpacing       | 0\0      | intended-use | ADM-SPACING |
      | PixelSpacing       | 0\0      | research     | ADM-SPACING |
      | ImagerPixelSpacing | 0.2\-0.2 | intended-use | ADM-SPACING |
      | ImagerPixelSpacing | 0.2\-0.2 | research     | ADM-SPACING |
      | PixelSpacing       | absent   | intended-use | analysed    |
      | ImagerPixelSpacing | absent   | intended-use | analysed    |

  @SRS-073 @RC-008
  Scenario Outline: A film that is mostly border is refused
    Given a chest film
    And its chest is shrunk to <share> of either side of a blackened film
    When the device analyses it under the intended-use policy
    Then it ends with <outcome>

    Examples:
      | share | outcome        |
      | 0.45  | ADM-COLLIMATED |
      | 0.55  | ADM-COLLIMATED |
      | 0.82  | analysed       |

  @SRS-015 @RC-008
  Scenario: A film without window is refused
    Given a chest film
    And it states neither window nor VOI lookup table
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-WINDOW-MISSING

  @SRS-017 @RC-009
  Scenario Outline: A film declared mirrored or rotated is refused
    Given a chest film
    And its PatientOrientation is <orientation>
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-ORIENTATION

    Examples:
      | orientation |
      | R\F         |
      | A\F         |
      | P\F         |
      | L\H         |
      | F\L         |

  @SRS-017 @RC-009 @RC-029
  Scenario: A film without orientation is analysed with a caution
    Given a chest film
    And its PatientOrientation is absent
    When the device analyses it under the intended-use policy
    Then it is analysed
    And a caution mentions "ADM-ORIENTATION-MISSING"

  @SRS-018 @RC-011
  Scenario Outline: A film without or with contradictory identity is refused
    Given a chest film
    And <change>
    When the device analyses it under the intended-use policy
    Then it is refused with <code>

    Examples:
      | change                                              | code         |
      | its PatientID is empty                              | ADM-PATIENT  |
      | its PatientID is absent                             | ADM-PATIENT  |
      | its SOPInstanceUID is absent                        | ADM-INSTANCE |
      | its file meta information names another SOPInstanceUID | ADM-IDENTITY |

  @SRS-019 @RC-003
  Scenario Outline: Secondary captures are refused
    Given a chest film
    And its <attribute> is <value>
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-SECONDARY

    Examples:
      | attribute   | value             |
      | SOPClassUID | Secondary Capture |
      | ImageType   | DERIVED\SECONDARY |

  @SRS-022 @RC-029
  Scenario Outline: Lossy compression is shown as a caution
    Given a chest film
    And its LossyImageCompression is <value>
    When the device analyses it under the intended-use policy
    Then it is analysed
    And the cautions that mention "lossy" number <count>

    Examples:
      | value  | count |
      | 01     | 1     |
      | 00     | 0     |
      | absent | 0     |

  @SRS-022 @RC-029
  Scenario: A film in a lossy transfer syntax has the caution whatever its header says
    Given a chest film
    And it is compressed as JPEG baseline, which loses grey levels
    When the device analyses it under the intended-use policy
    Then it is analysed
    And a caution mentions "lossy"

  @SRS-020 @RC-003
  Scenario: A film that is wrong in several ways gets one record that names each of them
    Given a chest film
    And its ViewPosition is LL
    And its BodyPartExamined is KNEE
    And its WindowWidth is 0
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-BODY-PART
    And the refusal also names ADM-VIEW, ADM-WINDOW-WIDTH

  @SRS-021 @RC-016 @RC-025
  Scenario Outline: A refusal says where, what and how to repair, without patient data
    Given a chest film
    And its <attribute> is <value>
    When the device analyses it under the <policy> policy
    Then it is refused with <code>
    And the message is one line
    And the refusal names the place "<place>", and what was found, expected and to repair
    And the refusal holds no patient data

    Examples:
      | attribute          | value             | policy       | code             | place       |
      | Modality           | CT                | intended-use | ADM-MODALITY     | (0008,0060) |
      | ViewPosition       | LL                | intended-use | ADM-VIEW         | (0018,5101) |
      | PatientAge         | 012Y              | intended-use | ADM-CHILD        | (0010,1010) |
      | WindowWidth        | 0                 | research     | ADM-WINDOW-WIDTH | (0028,1051) |
      | PatientOrientation | R\F               | research     | ADM-ORIENTATION  | (0020,0020) |
      | BodyPartExamined   | PLANTEDNAME^ZOE   | intended-use | ADM-BODY-PART    | (0018,0015) |
      | Modality           | PLANTEDDOCTOR^EVE | research     | ADM-MODALITY     | (0008,0060) |

  @SRS-018 @RC-011
  Scenario Outline: UIDs and texts that DICOM does not allow are refused under both policies
    Given a chest film
    And its <attribute> holds <what>
    When the device analyses it under the <policy> policy
    Then it is refused with <code>
    And the message is one line

    Examples:
      | attribute         | what                | policy       | code     |
      | SOPInstanceUID    | letters             | intended-use | ADM-     |
      | StudyInstanceUID  | letters             | intended-use | ADM-TEXT |
      | StudyInstanceUID  | letters             | research     | ADM-TEXT |
      | SeriesInstanceUID | too long a text     | research     | ADM-TEXT |
      | PatientName       | a control character | intended-use | ADM-TEXT |
      | PatientName       | a script            | research     | ADM-TEXT |
      | PatientID         | too long a text     | intended-use | ADM-TEXT |
      | StudyDescription  | a script            | intended-use | ADM-TEXT |

  @SRS-070 @RC-025
  Scenario Outline: A film with burned-in annotation is refused under both policies
    Given a chest film
    And its BurnedInAnnotation is <value>
    When the device analyses it under the <policy> policy
    Then it ends with <outcome>

    Examples:
      | value  | policy       | outcome       |
      | YES    | intended-use | ADM-BURNED-IN |
      | YES    | research     | ADM-BURNED-IN |
      | NO     | intended-use | analysed      |
      | absent | intended-use | analysed      |
      | absent | research     | analysed      |
