Feature: Golden self-test
  Before the first film the device proves on golden inputs that this machine computes what was released: within 0.5 pixel and 0.0001 in score.

  @SRS-035 @RC-014
  Scenario Outline: Golden outputs that the machine does not reach stop the device
    Given a copy of the bundle with <fault>, sealed again
    When the device is started with it
    Then it does not start and the code is BND-

    Examples:
      | fault                           |
      | golden boxes shifted by 0.6 pixel |
      | golden scores shifted by 0.0002 |
      | boxes of the last golden film shifted by 0.6 pixel |
      | no golden film                  |

  @SRS-035 @RC-014
  Scenario Outline: Differences inside the tolerance do not
    Given a copy of the bundle with <fault>, sealed again
    When the device is started with it
    Then it starts

    Examples:
      | fault                             |
      | golden boxes shifted by 0.4 pixel |
      | golden scores shifted by 0.00005  |

  @SRS-035 @SRS-104 @RC-014
  Scenario: The self-test runs on the engine that analyses films
    Given a copy of the bundle
    And an engine that computes with weights cut to bfloat16
    When the device is started with it
    Then it does not start and the code is BND-SELF-TEST
    And it is the golden inputs that differ

  @SRS-104 @RC-014
  Scenario: The parity check holds for the released engine
    When engine and trained network look at the same four films
    Then the parity check holds

  @SRS-104 @RC-014
  Scenario: The parity check sees an engine of lower precision
    Given an engine that computes with weights cut to bfloat16
    When engine and trained network look at the same four films
    Then the parity check does not hold

  @SRS-103 @RC-014
  Scenario: Every step of the network computes in float32
    When the network is compiled
    Then none of its steps computes in less than 32 bits

  @SRS-037 @RC-020
  Scenario Outline: A network that computes no numbers gives no result
    Given a copy of the bundle with <fault>, sealed again
    When a chest film is analysed with it
    Then there is no result, and the code begins with BND- or INF-

    Examples:
      | fault                                                           |
      | a NaN in the region proposals                                   |
      | a NaN in the class scores                                       |
      | a NaN in the backbone                                           |
      | a NaN in the class scores and golden outputs without candidates |
      | class scores beyond every number and golden outputs without candidates |

  @SRS-037 @RC-020
  Scenario: A network that stops computing numbers gives no result
    Given a device whose network gives no numbers from its self-test on
    When that device is given a chest film
    Then there is no result, and the code is INF-NONFINITE

  @SRS-058 @RC-012 @RC-014
  Scenario Outline: No film gives a result with a bundle that was altered or fails its self-test
    Given a copy of the bundle
    And <change>
    When a chest film is analysed with it
    Then there is no result, and the code is <code>

    Examples:
      | change                                               | code          |
      | one bit of its weights.safetensors is flipped        | BND-HASH      |
      | its golden scores are shifted and it is sealed again | BND-SELF-TEST |

  @SRS-058 @RC-003
  Scenario: A refused film leaves the network unrun
    Given a device whose network is watched
    When it is given a lateral film and then a good chest film
    Then the network ran for the good film only

  @SRS-058 @RC-012
  Scenario: The public interface has no switch that leaves out a step
    When the signature of the device and the options of the command line are inspected
    Then nothing but bundle, policy, output, format and heat map can be chosen
