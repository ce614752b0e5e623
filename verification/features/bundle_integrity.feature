Feature: Integrity of the model bundle
  A bundle is hashed before it is opened, holds exactly its files, fits together and to the device, and is data only.

  @SRS-031 @RC-012
  Scenario Outline: One flipped bit in any file of the bundle is found
    Given a copy of the bundle
    And one bit of its <file> is flipped
    When the device is started with it
    Then it does not start and the code is BND-HASH
    And the message names <file>

    Examples:
      | file                       |
      | weights.safetensors        |
      | model.json                 |
      | thresholds.json            |
      | findings.toml              |
      | golden_inputs.safetensors  |
      | golden_outputs.json        |

  @SRS-031 @RC-012
  Scenario: Hashes come before parsing
    Given a copy of the bundle
    And its model.json holds what no parser accepts
    When the device is started with it
    Then it does not start and the code is BND-HASH
    And the message names model.json

  @SRS-031 @RC-012
  Scenario: A size that differs from the manifest is found
    Given a copy of the bundle
    And the manifest states another size for thresholds.json
    When the device is started with it
    Then it does not start and the code is BND-HASH
    And the message names thresholds.json

  @SRS-031 @RC-012
  Scenario Outline: A manifest that is none is refused
    Given a copy of the bundle
    And its manifest is <manifest>
    When the device is started with it
    Then it does not start and the code is <code>

    Examples:
      | manifest                 | code        |
      | absent                   | BND-MISSING |
      | cut to half              | BND-SCHEMA  |
      | of another schema        | BND-SCHEMA  |
      | one that names ../secret | BND-SCHEMA  |

  @SRS-032 @RC-012
  Scenario Outline: A bundle has exactly its files
    Given a copy of the bundle
    And <change>
    When the device is started with it
    Then it does not start and the code is <code>
    And the message names <file>

    Examples:
      | change                                   | code        | file                |
      | its file weights.safetensors is deleted  | BND-MISSING | weights.safetensors |
      | its file thresholds.json is deleted      | BND-MISSING | thresholds.json     |
      | its file findings.toml is taken out of folder and manifest | BND-MISSING | findings.toml |
      | a file notes.txt is added                | BND-EXTRA   | notes.txt           |

  @SRS-032 @RC-012
  Scenario: No bundle at all
    Given no bundle
    When the device is started with it
    Then it does not start and the code is BND-MISSING

  @SRS-033 @RC-013
  Scenario Outline: Model, operating points and findings that do not fit each other are refused
    Given a copy of the bundle with <fault>, sealed again
    When the device is started with it
    Then it does not start and the code is BND-

    Examples:
      | fault                                          |
      | no operating point for scoliosis               |
      | an operating point of 1.2                      |
      | an operating point of -0.1                     |
      | an operating point below the score floor       |
      | an operating point that is not a number        |
      | a finding that the device does not know        |
      | weights of another network                     |
      | a network of a family that nobody knows        |
      | a network described as one of another family   |
      | a weight tensor missing                        |

  @SRS-060 @RC-013
  Scenario: A bundle whose table of findings differs is refused
    Given a copy of the bundle with a finding renamed in its table of findings, sealed again
    When the device is started with it
    Then it does not start and the code is BND-FINDINGS

  @SRS-027 @RC-013
  Scenario: A bundle that names an unknown preprocessing is refused
    Given a copy of the bundle with preprocessing named tt-unknown-9, sealed again
    When the device is started with it
    Then it does not start and the code is BND-

  @SRS-103 @RC-014
  Scenario Outline: A bundle released with another engine or precision is refused
    Given a copy of the bundle with <fault>, sealed again
    When the device is started with it
    Then it does not start and the code is <code>

    Examples:
      | fault                                  | code          |
      | precision bf16 in its release          | BND-PRECISION |
      | engine onnxruntime in its release      | BND-ENGINE    |
      | engine version 2019.1.0 in its release | BND-ENGINE    |

  @SRS-104 @RC-014
  Scenario Outline: A bundle without a passed parity check is refused
    Given a copy of the bundle with <fault>, sealed again
    When the device is started with it
    Then it does not start and the code is BND-PARITY

    Examples:
      | fault                                           |
      | a parity check over no film                     |
      | a parity check that differs by 0.51 pixel       |
      | a parity check that differs by 0.00011 in score |

  @SRS-035 @RC-014
  Scenario: Golden outputs without a letterbox are refused as content
    Given a copy of the bundle with no letterbox of a golden film, sealed again
    When the device is started with it
    Then it does not start and the code is BND-CONTENT

  @SRS-034 @RC-032
  Scenario: Pickled weights are refused, and nothing in them runs
    Given a copy of the bundle whose weights are a pickle that leaves a file behind, sealed again
    When the device is started with it
    Then it does not start and the code is BND-
    And the pickle has left no file behind

  @SRS-034 @RC-032
  Scenario: The source of the device holds no call that runs content
    When the source of every module of the device is inspected
    Then no module imports pickle, marshal or shelve, and none calls eval, exec, compile or torch.load

  @SRS-040 @needs_run
  Scenario: The shipped bundle is small and names its origin
    Given the shipped bundle
    Then its files add up to at most 20000000 bytes
    And its manifest names model version, data profile, training budget and lineage

  @SRS-031 @SRS-032 @SRS-033 @needs_run
  Scenario: The shipped bundle starts the device
    Given the shipped bundle
    When the device is started with it
    Then it starts
