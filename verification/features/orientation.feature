Feature: Orientation
  The picture itself is asked how it lies. A film that looks turned is refused under every policy, one that looks mirrored under the intended-use policy, whatever the header states, and no
  film is ever turned to repair it.

  @SRS-080 @RC-034
  Scenario Outline: A turned film is refused although its header states the right orientation
    Given a phantom chest film
    And its stored picture is <way>
    When the device analyses it under the <policy> policy
    Then it is refused with ADM-ROTATED
    And the refusal says "<way>"

    Examples:
      | way                                | policy       |
      | turned by 90 degrees clockwise     | intended-use |
      | turned by 90 degrees anticlockwise | intended-use |
      | turned by 180 degrees              | intended-use |
      | upside down, as a reflection       | intended-use |
      | turned by 90 degrees clockwise     | research     |
      | turned by 90 degrees anticlockwise | research     |
      | turned by 180 degrees              | research     |
      | upside down, as a reflection       | research     |

  @SRS-080 @SRS-081 @RC-034
  Scenario Outline: A film as it should be is admitted without a word about its position
    Given a phantom chest film
    And its stored picture is <way>
    When the device analyses it under the intended-use policy
    Then it is analysed
    And the cautions that mention "adm-" number 0

    Examples:
      | way                   |
      | left as it is         |
      | tilted by 10 degrees  |
      | tilted by -10 degrees |

  @SRS-080 @RC-034
  Scenario: A film that is turned and inverted is refused for both
    Given a phantom chest film
    And its stored picture is turned by 180 degrees
    And its declared polarity is exchanged
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-POLARITY
    And the refusal also names ADM-ROTATED

  @SRS-081 @RC-034
  Scenario: A mirrored film is refused although its header states the right orientation
    Given a phantom chest film
    And its stored picture is mirrored
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-MIRRORED

  @SRS-081 @RC-034 @RC-029
  Scenario: Under the research policy a mirrored film is analysed with a caution
    Given a phantom chest film
    And its stored picture is mirrored
    When the device analyses it under the research policy
    Then it ends with analysed
    And a caution mentions "ADM-MIRRORED"

  @SRS-081 @RC-029
  Scenario Outline: A film whose halves are alike is analysed with a caution
    Given a phantom chest film
    And its stored picture is symmetrical but for a small spot
    When the device analyses it under the <policy> policy
    Then it ends with analysed
    And a caution mentions "ADM-SIDE-UNCLEAR"

    Examples:
      | policy       |
      | intended-use |
      | research     |

  @SRS-082 @RC-034 @RC-029 @needs_run
  Scenario: The instructions for use state what the check of the picture misses
    Given the instructions for use as they are built
    Then their limits give the measured rates of inverted, turned and mirrored films, real and phantom, with their intervals
    And their limits tell the user to compare the side marker
