Feature: Calibration
  The network's score orders its boxes and says little else. The device writes the calibrated score instead, and says what it is and what it is not.

  @SRS-108 @RC-022
  Scenario: Each score is the network's own put through the curve of its finding
    Given a chest film
    When the device analyses it under the intended-use policy
    Then it is analysed
    And each candidate's score is the network's own put through the bundle's curve of its finding
    And no two findings share a curve

  @SRS-108 @SRS-033 @RC-022 @RC-013
  Scenario Outline: A calibration that is none is refused
    Given a copy of the bundle with <fault>, sealed again
    When the device is started with it
    Then it does not start and the code is BND-

    Examples:
      | fault                               |
      | a calibration that falls            |
      | no calibration for scoliosis        |
      | a calibration that is not a number  |

  @SRS-109 @RC-022
  Scenario: What a score is stands with every result
    Given a chest film
    When the device analyses it under the intended-use policy
    Then it is analysed
    And its result and its overlay say on which data scores are calibrated and that they are no probability of disease

  @SRS-112 @RC-014
  Scenario Outline: A bundle whose golden judgements do not come out stops the device
    Given a copy of the bundle with <fault>, sealed again
    When the device is started with it
    Then it does not start and the code is BND-SELF-TEST

    Examples:
      | fault                               |
      | another curve for scoliosis         |
      | another unit of distance            |
      | no golden judgement                 |

  @SRS-108 @SRS-112 @needs_run
  Scenario: The shipped bundle was calibrated on the validation films
    When the calibration of the shipped bundle is read
    Then it names its method, its films and how many candidates were right, for each of the seven findings
