Feature: Presentation state
  What a radiologist sees over the film in any archive: boxes at their place, and words where there are none.

  @SRS-086 @RC-035
  Scenario Outline: Every box is drawn at its place, with finding and score
    Given an analysed chest film of <rows> x <columns> pixels with one detection in its middle
    When its DICOM objects are written
    Then the presentation state draws each detection within 0.5 pixel, labelled with its finding and score

    Examples:
      | rows | columns |
      | 512  | 512     |
      | 1000 | 600     |
      | 600  | 1000    |

  @SRS-086 @RC-035
  Scenario Outline: The film is shown as the device read it
    Given a chest film for the archive that is shown by <means>
    When it is analysed and its DICOM objects are written
    Then the presentation state shows the stored values as the device read them, to a thousandth of full scale

    Examples:
      | means                                   |
      | a window                                |
      | a window, stored inverted as MONOCHROME1 |
      | a narrow window with slope and intercept |
      | a sigmoid                               |
      | a linear exact window                   |
      | a VOI look-up table                     |
      | a modality look-up table                |
      | a VOI look-up table, signed             |

  @SRS-086 @SRS-046 @RC-017
  Scenario: A film without marks says so
    Given an analysed chest film of 512 x 512 pixels without detection
    When its DICOM objects are written
    Then the presentation state draws no box and says that no finding was marked

  @SRS-086 @SRS-087 @RC-017
  Scenario: A refused film shows why
    Given a lateral chest film for the archive with a window of width 0
    When it is analysed and its DICOM objects are written
    Then the presentation state draws no box and says that the film was not analysed, with every reason
