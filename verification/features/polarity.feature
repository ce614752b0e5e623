Feature: Polarity
  A film whose picture contradicts its declared polarity is refused under every policy, and no film is ever inverted to repair it.

  @SRS-016 @RC-001
  Scenario Outline: Swapping only the declared polarity is noticed
    Given a chest film
    And only its declared polarity is swapped to MONOCHROME1
    When the device analyses it under the <policy> policy
    Then it is refused with ADM-POLARITY

    Examples:
      | policy       |
      | intended-use |
      | research     |

  @SRS-016 @RC-001
  Scenario Outline: The other way round it is noticed as well
    Given a chest film
    And it is written as MONOCHROME1 with complemented stored values
    And only its declared polarity is swapped to MONOCHROME2
    When the device analyses it under the <policy> policy
    Then it is refused with ADM-POLARITY

    Examples:
      | policy       |
      | intended-use |
      | research     |

  @SRS-016 @SRS-024 @RC-001 @RC-002
  Scenario: A film with the right polarity is analysed, and alike in both interpretations
    Given a chest film
    And it is written as MONOCHROME1 with complemented stored values
    When the device analyses it under the intended-use policy
    Then it is analysed
    And the result agrees with that of the MONOCHROME2 film within 0.01 pixel and 0.0001 in score

  @SRS-016 @RC-001
  Scenario Outline: Two statements of polarity that contradict each other are refused
    Given a chest film
    And its PresentationLUTShape is INVERSE
    When the device analyses it under the <policy> policy
    Then it is refused with ADM-POLARITY-TAGS

    Examples:
      | policy       |
      | intended-use |
      | research     |

  @SRS-016 @RC-001
  Scenario: A chest of the phantom is admitted as it is and refused as its negative
    Given a phantom chest film
    When the device analyses it under the intended-use policy
    And the device analyses its negative under the intended-use policy
    Then the film is analysed and its negative is refused with ADM-POLARITY

  @SRS-016 @RC-001
  Scenario: A picture that is neither a chest nor its negative is refused under the intended-use policy
    Given a chest film
    And a picture of noise in place of the chest
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-PICTURE

  @SRS-016 @RC-001 @RC-029
  Scenario: Under the research policy it is admitted with a caution
    Given a chest film
    And a picture of noise in place of the chest
    When the device analyses it under the research policy
    Then it ends with analysed
    And a caution mentions "ADM-PICTURE"

  @SRS-016 @RC-001
  Scenario Outline: A negative is noticed in whatever position it lies
    Given a phantom chest film
    And its stored picture is <way>
    And its declared polarity is exchanged
    When the device analyses it under the intended-use policy
    Then it is refused with ADM-POLARITY

    Examples:
      | way                   |
      | turned by 180 degrees |
      | mirrored              |
