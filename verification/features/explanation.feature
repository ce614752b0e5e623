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

  @SRS-098 @RC-036
  Scenario: Each mark has a map of its own by each method
    Given a chest film whose marks are explained by every method
    Then each mark has Grad-CAM, AblationCAM and saliency, each with the mark it explains, as a map on the film or the reason why there is none
    And no two marks have the same map

  @SRS-099 @RC-036
  Scenario: Random weights destroy the map
    Given the marks of a chest film, and the same network with random weights
    When the maps of those marks are made with both
    Then the median rank correlation between them is at most 0.5 by each method

  @SRS-100 @RC-036
  Scenario: A mark that the network does not make has no map
    Given a device whose engine marks a place that its network does not mark
    When that device analyses a chest film with maps of its marks
    Then no map of that mark exists, and the result says why

  @SRS-100 @RC-036
  Scenario: Without a mark there is no map of one
    Given a device whose operating points no mark of the film reaches
    When that device analyses a chest film with maps of its marks
    Then the result says that there is no mark to explain, and holds no map

  @SRS-101 @RC-030
  Scenario: The words of each method stand in the result and on the figure
    Given a chest film whose marks are explained by every method
    Then the result and the figure say of each method that it shows what the network used and not where disease is

  @SRS-102 @RC-030
  Scenario: Maps of marks are made when they are asked for, and change no detection
    When a chest film is analysed with maps of its marks by none, by Grad-CAM and by all methods
    Then the detections are bit-identical in all three, and the methods named are those asked for

  @SRS-102
  Scenario: The command line leaves a figure of the film beside its maps
    When the command line analyses a chest film and is asked to explain by all methods
    Then a figure lies beside the overlay, larger than the film on it, and the result names three methods
