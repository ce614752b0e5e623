Feature: Detection
  The network's answer has a fixed form, the same film has the same answer, and a detection is exactly what reaches its operating point.

  @SRS-036 @RC-020 @RC-021
  Scenario Outline: Every candidate has the fixed form, whatever the film's shape
    Given a chest film of <rows> x <columns> pixels
    When the device analyses it under the intended-use policy
    Then it is analysed
    And every candidate names one of the seven findings, scores from the score floor to 1 and has a box of positive area on the film
    And the candidates stand in descending order of score

    Examples:
      | rows | columns |
      | 512  | 512     |
      | 1000 | 600     |
      | 600  | 1000    |
      | 1024 | 1024    |

  @SRS-036 @RC-020 @RC-021 @needs_run
  Scenario: Every candidate of ten phantom films has the fixed form
    When the shipped device analyses 10 test films of the phantom
    Then every film is analysed and has candidates
    And every candidate of every film has the fixed form

  @SRS-030 @RC-021
  Scenario Outline: What the network marks lies at the same place on the film
    Given a film of <rows> x <columns> pixels seen by a network of <size> pixels
    When the network's answer marks scoliosis in its box <box>
    Then the candidate of that film has the box <place>

    # Scale = size / longer side; a box that reaches into the padding ends where the film ends.
    Examples:
      | rows | columns | size | box                       | place                        |
      | 1000 | 600     | 256  | 64.0, 64.0, 128.0, 192.0  | 250.0, 250.0, 500.0, 750.0   |
      | 600  | 1000    | 256  | 64.0, 32.0, 192.0, 128.0  | 250.0, 125.0, 750.0, 500.0   |
      | 2048 | 1024    | 128  | 8.0, 16.0, 32.0, 64.0     | 128.0, 256.0, 512.0, 1024.0  |
      | 1000 | 600     | 256  | 0.0, 64.0, 256.0, 256.0   | 0.0, 250.0, 600.0, 1000.0    |
      | 600  | 1000    | 256  | 64.0, 0.0, 256.0, 256.0   | 250.0, 0.0, 1000.0, 600.0    |

  @SRS-059 @RC-013 @RC-022
  Scenario: Detections are the candidates at or above their operating point
    Given a chest film
    When the device analyses it under the intended-use policy
    Then it is analysed
    And its detections are the candidates filtered with the bundle's operating points
    And some candidates reach their operating point and some do not

  @SRS-059 @RC-022
  Scenario Outline: A score equal to the operating point counts, the next lower score does not
    Given a chest film
    And a bundle whose operating point of the best scoliosis candidate is <place>
    When that bundle's device analyses the film
    Then that candidate is <state>

    Examples:
      | place                       | state             |
      | exactly its score           | a detection       |
      | the next number above       | not a detection   |

  @SRS-059 @RC-022
  Scenario: The command line offers no way to change an operating point
    When the help of every command is read
    Then no option speaks of thresholds, operating points or scores

  @SRS-038 @RC-015
  Scenario: The same film has the same answer whatever came before
    When one film is analysed first, between five others and last
    Then the three answers are bit-identical

  @SRS-038 @RC-015
  Scenario: Another device object gives the same answer
    When one film is analysed by two devices made from the same bundle
    Then the two answers are bit-identical

  @SRS-060 @RC-013
  Scenario: Seven findings from one table
    When the table of findings is read
    Then it holds the seven ids of the intended use, each once, with name, Chinese label and codes
    And the device's findings are exactly those of the table

  @SRS-036 @needs_run
  Scenario Outline: Severe findings of the phantom are marked where they are
    When the shipped device analyses the 5 test films with the most severe <finding>
    Then at least <count> of them have a mark of <finding> that overlaps its truth by 0.5 or more

    Examples:
      | finding             | count |
      | cardiac_hypertrophy | 3     |
      | scoliosis           | 3     |

  @SRS-039 @RC-031 @needs_run
  Scenario: The validation record reaches the development goal
    When the validation record of the shipped bundle is read
    Then it was made with exactly this bundle
    And its macro AP at IoU 0.5 over the seven findings is at least 0.65 and above the trivial detector's
    And it gives each of the seven findings a figure with a patient-level bootstrap interval
