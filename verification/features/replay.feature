Feature: Replay
  A recorded result is built again from the film and the bundle, to the same bytes, or the first difference is named.

  @SRS-113 @RC-039
  Scenario: The decision trace shows the candidates before and after each filter
    Given a recorded result
    When its decision trace is read
    Then it fits the published schema
    And it names film, policy, device, bundle, engine and numeric class as they are
    And the candidates after calibration are those on the film with their scores put through the curves
    And the candidates after the operating points are the detections of the result

  @SRS-114 @RC-039
  Scenario: A record is built again to the same bytes
    Given a recorded result
    When it is replayed
    Then the exit code is 0 and result, overlay and DICOM objects are the same bytes

  @SRS-114 @RC-039
  Scenario: A refusal is built again to the same bytes
    Given a recorded refusal
    When it is replayed
    Then the exit code is 0 and the refusal is the same bytes

  @SRS-114 @RC-039
  Scenario Outline: A changed record is named
    Given a recorded result
    And <change>
    When it is replayed
    Then the exit code is 1 and REP-DIFFERENCE names <place>

    Examples:
      | change                                       | place                  |
      | the first score in its trace is raised       | trace.filters          |
      | its conclusion is another                    | conclusion             |
      | a caution is taken out of it                 | cautions               |
      | a space is added to its end                  | byte                   |

  @SRS-114 @RC-039
  Scenario Outline: A changed file beside a record is named
    Given a recorded result
    And one byte of its <file> is changed
    When it is replayed
    Then the exit code is 1 and REP-DIFFERENCE names <file>

    Examples:
      | file     |
      | overlays |
      | sr.dcm   |
      | gsps.dcm |

  @SRS-115 @RC-039
  Scenario Outline: Only what is comparable is compared
    Given a recorded result
    And <other>
    When it is replayed
    Then the exit code is <exit> and the code is <code>

    Examples:
      | other                                     | exit | code        |
      | another film is given                     | 1    | REP-INPUT   |
      | another bundle is given                   | 3    | REP-BUNDLE  |
      | its device version is another             | 3    | REP-VERSION |
      | its numeric class is another              | 3    | REP-NUMERIC |
