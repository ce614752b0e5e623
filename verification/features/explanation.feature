Feature: Heat map
  A picture of where the network's features are strong, on the film's own grid, labelled as evidence for no finding, and absent where there is nothing to show.

  @SRS-041 @RC-021
  Scenario Outline: The heat map lies over the film without shift
    Given features of 32 x 32 cells over a film of <rows> x <columns> pixels, of which only cell row <i>, column <j> is active
    When the heat map is computed
    Then it has <rows> rows and <columns> columns and values in [0, 1]
    And its maximum lies within half a cell of film row <y>, column <x>

    Examples:
      | rows | columns | i  | j  | y      | x      |
      | 1024 | 1024    | 4  | 27 | 144.0  | 880.0  |
      | 1024 | 1024    | 16 | 16 | 528.0  | 528.0  |
      | 2048 | 1024    | 20 | 3  | 1312.0 | 224.0  |
      | 1024 | 2048    | 3  | 20 | 224.0  | 1312.0 |
      | 600  | 512     | 30 | 2  | 571.9  | 46.9   |
      | 600  | 512     | 5  | 26 | 103.1  | 496.9  |

  @SRS-041
  Scenario: An analysed film comes with a heat map of its own size
    Given a chest film of 1000 x 600 pixels
    When the device analyses it under the intended-use policy
    Then it is analysed
    And its heat map has the film's rows and columns and values in [0, 1]

  @SRS-043 @RC-020 @RC-030
  Scenario: Where the features carry no information there is no map
    Given a device whose network gives constant features
    When a chest film is analysed by it
    Then there is no heat map, and its report says that none is available

  @SRS-043 @RC-030
  Scenario: The heat map changes no detection
    When one film is analysed with and without a heat map
    Then the detections are bit-identical in both

  @SRS-042 @RC-030
  Scenario: The label says that the heat map is evidence for no finding
    Given a chest film
    When the device analyses it under the intended-use policy
    Then it is analysed
    And its heat map's label says that it shows where the network's features are strong, for all findings together, and is no evidence for any of them
