Feature: Out of distribution
  The model's figures hold for films like those it was trained on. A film unlike them is analysed, and its result says so.

  @SRS-110 @SRS-111 @RC-038
  Scenario: A film like the reference films carries no such caution
    Given a bundle whose reference films are chest films
    When that bundle's device analyses a chest film like them
    Then it is within the limit by both descriptions
    And no caution of its result or its overlay begins with OOD

  @SRS-110 @SRS-111 @RC-038
  Scenario Outline: A film unlike the reference films is analysed with a caution
    Given a bundle whose reference films are chest films
    When that bundle's device analyses <film>
    Then it is outside the limit
    And its result and its overlay carry a caution that begins with OOD and names distance and limit

    Examples:
      | film                              |
      | a chest film covered with noise   |
      | a chest film of half the contrast |

  @SRS-110 @RC-038
  Scenario Outline: Either description can put a film outside
    Given a bundle whose reference films are chest films, with <unit> of the <description> distance
    When that bundle's device analyses a chest film like them
    Then it is <place> the limit

    Examples:
      | description | unit                | place   |
      | picture     | a thousandth        | outside |
      | network     | a thousandth        | outside |
      | picture     | a thousandfold      | within  |
      | network     | a thousandfold      | within  |

  @SRS-111 @RC-038
  Scenario: A film that could not be compared says so
    Given a device whose network gives no features
    When it analyses a chest film
    Then its result carries a caution that it was not compared with the reference films

  @SRS-110 @RC-038 @needs_run
  Scenario: Test films of the phantom are hardly ever outside
    When the shipped device analyses 10 test films of the phantom
    Then at most 2 of them carry a caution that begins with OOD
