Feature: Reading a DICOM file whole or not at all
  A film is the bytes that were exposed, or it is refused: half a film, a film of another size and a file that is none never become a picture.

  @SRS-001 @RC-007
  Scenario Outline: Every lossless encoding gives the stored values that were encoded
    Given a chest film
    And it is encoded as <syntax>
    When the device reads it
    Then the stored values equal those that were encoded

    Examples:
      | syntax                    |
      | Implicit VR Little Endian |
      | Explicit VR Little Endian |
      | Deflated                  |
      | RLE Lossless              |
      | JPEG Lossless SV1         |
      | JPEG-LS Lossless          |
      | JPEG 2000 Lossless        |

  @SRS-001 @RC-007
  Scenario Outline: Bits, signs and rarer encodings give the stored values that were encoded
    Given the chest film encoded as "<encoding>"
    When the device reads it
    Then the stored values equal those that were encoded

    Examples:
      | encoding                             |
      | 8 bits in 8                          |
      | 8 bits, odd length                   |
      | 10 bits                              |
      | 15 bits                              |
      | 16 bits                              |
      | signed 8 bits                        |
      | signed 12 bits, not extended         |
      | signed 16 bits                       |
      | RLE, 8 bits                          |
      | RLE, signed 16 bits                  |
      | JPEG Lossless .57, selection value 4 |
      | JPEG Lossless .70, 16 bits           |
      | JPEG-LS .80, several fragments       |
      | JPEG 2000 .90, signed 12 bits        |
      | HTJ2K .201                           |
      | HTJ2K .201, signed                   |
      | HTJ2K .202                           |

  @SRS-001
  Scenario: Signed stored values keep their sign
    Given a chest film with signed stored values
    When the device reads it
    Then the stored values equal those that were encoded

  @SRS-002 @RC-007
  Scenario Outline: Pixel data that are short or surplus are refused
    Given a chest film
    And it is encoded as <syntax>
    And <damage>
    When the device analyses it under the <policy> policy
    Then it is refused with <code>

    Examples:
      | syntax                    | damage                                     | policy       | code              |
      | Explicit VR Little Endian | the file is cut to half of its bytes       | intended-use | IN-PIXELS-SHORT   |
      | Explicit VR Little Endian | the file is cut to half of its bytes       | research     | IN-PIXELS-SHORT   |
      | Explicit VR Little Endian | its pixel data are one row short           | intended-use | IN-PIXELS-SHORT   |
      | Explicit VR Little Endian | its pixel data have 1000 surplus bytes     | intended-use | IN-PIXELS-SURPLUS |
      | Explicit VR Little Endian | its pixel data have 1000 surplus bytes     | research     | IN-PIXELS-SURPLUS |
      | Explicit VR Little Endian | its pixel data are removed                 | intended-use | IN-PIXELS-MISSING |
      | JPEG 2000 Lossless        | its compressed stream ends early           | intended-use | IN-TRUNCATED      |
      | JPEG-LS Lossless          | its compressed stream ends early           | intended-use | IN-TRUNCATED      |
      | JPEG Lossless SV1         | its compressed stream ends early           | research     | IN-TRUNCATED      |
      | RLE Lossless              | its compressed stream ends early           | intended-use | IN-DECODE         |
      | JPEG 2000 Lossless        | the file is cut to half of its bytes       | intended-use | IN-               |
      | JPEG 2000 Lossless        | half of its stream is followed by an end marker | intended-use | IN-TRUNCATED |
      | JPEG-LS Lossless          | half of its stream is followed by an end marker | intended-use | IN-DECODE    |
      | JPEG Lossless SV1         | half of its stream is followed by an end marker | intended-use | IN-          |
      | JPEG Lossless SV1         | half of its stream is followed by an end marker | research     | IN-          |

  @SRS-002 @RC-007
  Scenario Outline: Part of a JPEG stream with an end marker is refused
    Given the chest film encoded as "<encoding>"
    And half of its stream is followed by an end marker
    When the device analyses it under the <policy> policy
    Then the refusal names IN-TRUNCATED among its reasons

    Examples:
      | encoding                             | policy       |
      | JPEG baseline .50                    | intended-use |
      | JPEG baseline .50                    | research     |
      | JPEG extended .51, 12 bits           | intended-use |
      | JPEG Lossless .57, selection value 4 | intended-use |
      | HTJ2K .201                           | intended-use |

  @SRS-002 @RC-007
  Scenario Outline: A file that ends within its header is refused
    Given a chest film
    And the file ends within its InstitutionName
    When the device analyses it under the <policy> policy
    Then it is refused with IN-TRUNCATED

    Examples:
      | policy       |
      | intended-use |
      | research     |

  @SRS-002 @RC-007
  Scenario: Bytes behind the dataset are refused
    Given a chest film
    And 1000 bytes follow its dataset
    When the device analyses it under the intended-use policy
    Then it is refused with IN-

  @SRS-003 @RC-007
  Scenario Outline: What is not DICOM is refused in one line
    Given <input>
    When the device analyses it under the <policy> policy
    Then it is refused with <code>
    And the message is one line

    Examples:
      | input                                | policy       | code          |
      | a text file                          | intended-use | IN-NOT-DICOM  |
      | a text file                          | research     | IN-NOT-DICOM  |
      | a PNG picture                        | intended-use | IN-NOT-DICOM  |
      | a PNG picture                        | research     | IN-NOT-DICOM  |
      | an empty file                        | intended-use | IN-EMPTY      |
      | a folder in place of a file          | intended-use | IN-UNREADABLE |
      | a path at which there is no file     | intended-use | IN-UNREADABLE |
      | a preamble with random bytes behind  | intended-use | IN-           |

  @SRS-004 @RC-007 @RC-008
  Scenario Outline: A contradictory pixel description is refused
    Given a chest film
    And <contradiction>
    When the device analyses it under the <policy> policy
    Then it is refused with <code>

    Examples:
      | contradiction                                    | policy       | code           |
      | its BitsStored is 17                             | intended-use | IN-HEADER      |
      | its BitsStored is 17                             | research     | IN-HEADER      |
      | its HighBit is 15                                | intended-use | IN-            |
      | its HighBit is 10                                | intended-use | IN-HEADER      |
      | its stored values lie at the top of the word     | intended-use | IN-            |
      | one stored value lies beyond Bits Stored         | intended-use | IN-BITS        |
      | one stored value lies beyond Bits Stored         | research     | IN-BITS        |
      | its JPEG-LS stream is declared JPEG 2000         | intended-use | IN-CODESTREAM  |
      | its JPEG 2000 stream is declared JPEG-LS         | intended-use | IN-CODESTREAM  |
      | its compressed stream has other rows than stated | intended-use | IN-CODESTREAM  |
      | its compressed stream has other rows than stated | research     | IN-CODESTREAM  |
      | its transfer syntax is unknown                   | intended-use | IN-SYNTAX      |

  @SRS-005 @RC-016 @RC-027
  Scenario Outline: After a hostile file the same device analyses the next film
    Given <hostile>
    When the device analyses it under the intended-use policy
    Then it is refused with IN-
    And the message is one line
    And the same device then analyses a good chest film

    Examples:
      | hostile                                           |
      | a file of 3000 nested sequences                   |
      | a preamble with random bytes behind               |
      | a chest film whose Rows element holds text        |
      | a chest film whose window is not a number         |
      | a chest film whose deflated dataset is garbage    |
      | a chest film whose LUT is shorter than it says    |

  @SRS-006 @RC-027
  Scenario Outline: Size limits hold before any pixel is decoded
    Given <input>
    When the device analyses it under the <policy> policy
    Then it is refused with <code>
    And that took less than 2 seconds of processor time

    Examples:
      | input                                             | policy       | code         |
      | a file of 100000001 bytes                         | intended-use | IN-TOO-LARGE |
      | a chest film that announces 60000 x 60000 pixels  | intended-use | IN-TOO-LARGE |
      | a chest film that announces 60000 x 60000 pixels  | research     | IN-TOO-LARGE |
      | a chest film that announces 10001 x 10001 pixels  | intended-use | IN-TOO-LARGE |
      | a chest film that announces 6001 x 6000 pixels    | intended-use | IN-TOO-LARGE |
      | a chest film that announces 6001 x 6000 pixels    | research     | IN-TOO-LARGE |
      | a file of 100000 empty elements                   | intended-use | IN-TOO-LARGE |
      | a deflated bomb whose syntax comes late           | intended-use | IN-TOO-LARGE |

  @SRS-006 @RC-027
  Scenario Outline: A film of more than 10,000 rows or columns is refused before its pixels are looked at
    Given a chest film that announces <rows> x <columns> pixels
    When the device analyses it under the <policy> policy
    Then it is refused with <code>
    And the reasons for the refusal do not include IN-PIXELS-SHORT

    Examples:
      | rows  | columns | policy       | code         |
      | 10001 | 3000    | intended-use | ADM-ASPECT   |
      | 3000  | 10001   | research     | ADM-ASPECT   |
      | 10001 | 5001    | research     | IN-TOO-LARGE |

  @SRS-006 @RC-027
  Scenario: A run-length stream that unfolds beyond its film is refused before it unfolds
    Given a chest film whose run-length stream unfolds to 1 GB
    When the device analyses it under the intended-use policy
    Then it is refused with IN-PIXELS-SURPLUS
    And that took less than 2 seconds of processor time

  @SRS-006 @RC-027
  Scenario: A deflated dataset that unfolds beyond 200 MB is refused
    Given a deflated file of 1 MB that unfolds to 210 MB
    When the device analyses it under the intended-use policy
    Then it is refused with IN-TOO-LARGE
    And that took less than 2 seconds of processor time
