Feature: The overlay
  The picture shows the film in its own proportions with outlines added and nothing covered.

  @SRS-050 @RC-023
  Scenario Outline: The film keeps its proportions, and its pixels inside a box stay free of paint
    Given an analysed chest film of <rows> x <columns> pixels with one detection in its middle
    When its overlay is drawn with and without that detection
    Then the film on the overlay measures <high> x <wide> pixels
    And the pixels inside the box, away from its outline, are those of the film without mark
    And the outline differs from the film without mark

    Examples:
      | rows | columns | high | wide |
      | 512  | 512     | 900  | 900  |
      | 1000 | 600     | 900  | 540  |
      | 600  | 1000    | 540  | 900  |

  @SRS-050 @SRS-030 @RC-021 @RC-023
  Scenario: The outline lies where the box lies
    Given an analysed chest film of 1000 x 600 pixels with one detection in its middle
    When its overlay is drawn with and without that detection
    Then the outline on the overlay lies within 3 pixels of the box scaled to the film on the page

  @SRS-050
  Scenario: Every detection has a labelled outline of its own colour
    Given an analysed chest film of 512 x 512 pixels with one detection of each finding
    When its overlay is drawn with and without that detection
    Then each outline has a colour of its own, and its label names the finding and the score

  @SRS-042 @SRS-048 @RC-019 @RC-024 @RC-030
  Scenario: Status, limits and the kind of heat map are written on the overlay
    Given an analysed chest film of 512 x 512 pixels with one detection in its middle
    When the words drawn on its overlay are collected
    Then they say EigenCAM, engineering baseline, not cleared, not for clinical use
    And they say that a mark supports but never replaces reading the whole film
    And they say that the heat map is no evidence for any finding
    And none of the words calls the film normal, healthy or negative

  @SRS-043 @RC-030
  Scenario: Without a map the overlay says so
    Given an analysed chest film of 512 x 512 pixels without heat map
    When the words drawn on its overlay are collected
    Then they say that no heat map exists

  @SRS-022 @SRS-017 @RC-029
  Scenario: The cautions of a film are written on its overlay
    Given an analysed chest film of 512 x 512 pixels without orientation, compressed with loss
    When the words drawn on its overlay are collected
    Then they give the cautions on orientation and on lossy compression

  @SRS-045 @RC-010
  Scenario: The overlay names the film and what made it
    Given an analysed chest film of 512 x 512 pixels with one detection in its middle
    When the words drawn on its overlay are collected
    Then they name device version, model version, the beginning of bundle hash and content hash, and the training data

  @SRS-044 @SRS-045 @RC-022
  Scenario: Each finding stands on the overlay with its operating point, marks with their scores
    Given an analysed chest film of 512 x 512 pixels with one detection in its middle
    When the words drawn on its overlay are collected
    Then each of the seven findings stands there with its operating point, and the mark with its score
