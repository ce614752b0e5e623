Feature: From stored values to the network's input
  Modality, VOI and polarity are applied once, in this order, under the preprocessing id that the bundle names; values are compared with hand computation.

  @SRS-023 @RC-002
  Scenario Outline: Modality, then window, then polarity, computed by hand
    Given a ramp film with slope 2, intercept -100, window center 400.5 and window width 401
    And its polarity is declared <photometric>
    When the film is normalised under "tt-default-1"
    Then the stored value <stored> becomes <grey>

    # y = 2 * stored - 100; LINEAR: (y - 400) / 400 + 0.5, clipped to [0, 1]; MONOCHROME1 is then turned once.
    Examples:
      | photometric | stored | grey |
      | MONOCHROME2 | 100    | 0.0  |
      | MONOCHROME2 | 150    | 0.0  |
      | MONOCHROME2 | 200    | 0.25 |
      | MONOCHROME2 | 250    | 0.5  |
      | MONOCHROME2 | 350    | 1.0  |
      | MONOCHROME2 | 500    | 1.0  |
      | MONOCHROME1 | 150    | 1.0  |
      | MONOCHROME1 | 200    | 0.75 |
      | MONOCHROME1 | 300    | 0.25 |
      | MONOCHROME1 | 350    | 0.0  |

  @SRS-023 @RC-002
  Scenario: A modality lookup table stands in the place of slope and intercept
    Given a ramp film with slope 1, intercept 0, window center 512.5 and window width 1024
    And a modality lookup table that doubles the stored values 0 to 511
    When the film is normalised under "tt-default-1"
    Then the stored value 100 becomes 0.19501466
    And the stored value 511 becomes 0.99853372
    And the stored value 2000 becomes 0.99853372

  @SRS-023 @RC-002
  Scenario: Bone is bright and air is dark
    Given a chest film
    When the film is normalised under "tt-default-1"
    Then the spine is at least 0.4 brighter than the lungs and the background

  @SRS-024 @RC-002
  Scenario: One film in both photometric interpretations gives one picture
    Given a chest film
    When the film is normalised under "tt-default-1"
    And the same film, written as MONOCHROME1 with complemented stored values, is normalised too
    Then the two normalised films differ by at most 0.000001

  @SRS-024 @RC-002
  Scenario: A declared MONOCHROME1 is inverted, and only once
    Given a ramp film with slope 1, intercept 0, window center 2048 and window width 4096
    And its polarity is declared MONOCHROME1
    And its PresentationLUTShape is INVERSE
    When the film is normalised under "tt-default-1"
    Then the stored value 0 becomes 1.0
    And the stored value 4095 becomes 0.0

  @SRS-025 @RC-002
  Scenario Outline: VOI functions give the values of PS3.3 C.11.2
    Given a ramp film with slope 1, intercept 0, window center <center> and window width <width>
    And its VOILUTFunction is <function>
    When the film is normalised under "tt-default-1"
    Then the stored value <stored> becomes <grey>

    Examples:
      | function     | center | width | stored | grey       |
      | LINEAR       | 2048   | 4096  | 0      | 0.0        |
      | LINEAR       | 2048   | 4096  | 1023   | 0.24981685 |
      | LINEAR       | 2048   | 4096  | 2048   | 0.50012210 |
      | LINEAR       | 2048   | 4096  | 3000   | 0.73260073 |
      | LINEAR       | 2048   | 4096  | 4095   | 1.0        |
      | LINEAR_EXACT | 2048   | 4096  | 0      | 0.0        |
      | LINEAR_EXACT | 2048   | 4096  | 1024   | 0.25       |
      | LINEAR_EXACT | 2048   | 4096  | 2048   | 0.5        |
      | LINEAR_EXACT | 2048   | 4096  | 3072   | 0.75       |
      | LINEAR_EXACT | 2048   | 4096  | 4095   | 0.99975586 |
      | SIGMOID      | 2048   | 1024  | 1024   | 0.01798621 |
      | SIGMOID      | 2048   | 1024  | 1792   | 0.26894142 |
      | SIGMOID      | 2048   | 1024  | 2048   | 0.5        |
      | SIGMOID      | 2048   | 1024  | 2304   | 0.73105858 |
      | SIGMOID      | 2048   | 1024  | 3072   | 0.98201379 |

  @SRS-025 @RC-002
  Scenario: A VOI lookup table goes before a window
    Given a ramp film with slope 1, intercept 0, window center 2048 and window width 4096
    And a VOI lookup table of 10 bits that maps 0 to 1023 onto themselves
    When the film is normalised under "tt-default-1"
    Then the stored value 0 becomes 0.0
    And the stored value 512 becomes 0.50048876
    And the stored value 1023 becomes 1.0
    And the stored value 4000 becomes 1.0

  @SRS-025 @RC-029
  Scenario: The first of several windows is used, and the choice is recorded
    Given a ramp film with slope 1, intercept 0, window center 2048 and window width 4096
    And its WindowCenter is 2048\500
    And its WindowWidth is 4096\100
    When the film is normalised under "tt-default-1"
    Then the stored value 1023 becomes 0.24981685
    And the preprocessing cautions mention "window"

  @SRS-025 @RC-029
  Scenario: One window leaves no such caution
    Given a ramp film with slope 1, intercept 0, window center 2048 and window width 4096
    When the film is normalised under "tt-default-1"
    Then there is no preprocessing caution

  @SRS-026 @RC-002 @RC-008
  Scenario Outline: Normalised values are finite and lie in [0, 1], whatever the window
    Given a chest film
    And its VOILUTFunction is <function>
    And its WindowCenter is <center>
    And its WindowWidth is <width>
    When the film is normalised under "tt-default-1"
    Then all normalised values are finite 32-bit numbers in [0, 1]

    Examples:
      | function     | center  | width   |
      | LINEAR       | 2048    | 1       |
      | LINEAR       | 2048    | 2       |
      | LINEAR       | -100000 | 5       |
      | LINEAR       | 100000  | 5       |
      | LINEAR_EXACT | 2048    | 0.001   |
      | LINEAR_EXACT | 2048    | 1000000 |
      | SIGMOID      | 2048    | 0.001   |
      | SIGMOID      | -100000 | 1       |

  @SRS-026 @RC-008
  Scenario Outline: Padding becomes 0 in either polarity
    Given a chest film
    And its outer 20 pixels are padded with the stored value <padding> and declared so by value <value> and limit <limit>
    And its polarity is declared <photometric>
    When the film is normalised under "tt-default-1"
    Then the outer 20 pixels are 0
    And all normalised values are finite 32-bit numbers in [0, 1]

    Examples:
      | photometric | padding | value | limit  |
      | MONOCHROME2 | 4095    | 4095  | absent |
      | MONOCHROME1 | 0       | 0     | absent |
      | MONOCHROME2 | 4090    | 4080  | 4095   |
      | MONOCHROME1 | 3       | 5     | 0      |

  @SRS-028 @RC-001 @RC-002
  Scenario Outline: The E-Da recipe agrees with hand computation
    Given a ramp film with slope 1, intercept 0, window center 2048 and window width 4096
    And its polarity is declared MONOCHROME1
    When the film is normalised under "eda-log-1"
    Then the stored value <stored> becomes <grey>

    # clip(-ln((1 + x) / 4096), 0, 2.5) / 2.5: x = 0 is clipped at 2.5, x = 1023 gives ln 4 / 2.5, x = 4095 gives 0.
    Examples:
      | stored | grey       |
      | 0      | 1.0        |
      | 1023   | 0.55451774 |
      | 2047   | 0.27725887 |
      | 4095   | 0.0        |

  @SRS-028 @RC-001
  Scenario: The E-Da recipe refuses MONOCHROME2
    Given a chest film
    When the film is normalised under "eda-log-1"
    Then normalisation is refused with IN-POLARITY

  @SRS-028 @RC-001
  Scenario: The E-Da recipe keeps a MONOCHROME1 chest bone-bright
    Given a chest film
    And it is written as MONOCHROME1 with complemented stored values
    When the film is normalised under "eda-log-1"
    Then the spine is at least 0.2 brighter than the lungs and the background

  @SRS-027 @RC-002 @RC-013
  Scenario: A preprocessing id that the device does not know is refused
    Given a chest film
    When the film is normalised under "tt-unknown-9"
    Then normalisation is refused with BND-PREPROCESSING

  @SRS-029 @RC-021
  Scenario Outline: The network's input keeps the film's shape
    Given a chest film of <rows> x <columns> pixels
    When the film is normalised under "tt-default-1"
    And it is laid into a network input of 256 pixels
    Then the film fills <high> x <wide> network pixels from the top left corner
    And the rest of the network input is 0

    Examples:
      | rows | columns | high | wide |
      | 1000 | 600     | 256  | 154  |
      | 600  | 1000    | 154  | 256  |
      | 512  | 512     | 256  | 256  |

  @SRS-029 @RC-021
  Scenario: A square on the film is a square in the network's input
    Given a film of 1000 x 600 pixels with a bright square of 100 pixels at row 400, column 200
    When the film is normalised under "tt-default-1"
    And it is laid into a network input of 256 pixels
    Then the bright square lies at rows 102.4 to 128.0 and columns 51.2 to 76.8 of the network input

  @SRS-030 @RC-021
  Scenario Outline: A box comes back to its place on the film
    Given a film of <rows> x <columns> pixels seen by a network of <size> pixels
    When 200 boxes of the film are sent to the network's grid and back
    Then every edge returns within 0.5 pixel

    Examples:
      | rows | columns | size |
      | 512  | 512     | 256  |
      | 1024 | 768     | 256  |
      | 2500 | 3056    | 256  |
      | 3056 | 2500    | 512  |

  @SRS-030 @RC-021
  Scenario: A box that reaches into the padding is clipped to the film
    Given a film of 1000 x 600 pixels seen by a network of 256 pixels
    When the network marks the box 0.0, 64.0, 256.0, 256.0
    Then the box on the film is 0.0, 250.0, 600.0, 1000.0
