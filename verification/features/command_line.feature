Feature: The command line
  Exit codes say what happened, messages for people and for programs are kept apart, and the bundle is looked for in one fixed order.

  @SRS-065 @RC-016
  Scenario: Exit code 0 when every input was analysed
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    And a second run into the same folder
    Then the second run ends with 0

  @SRS-065 @RC-016
  Scenario: Exit code 1 when at least one was refused and all are recorded
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then the run ends with 1

  @SRS-065 @SRS-020
  Scenario Outline: Exit code 2 on wrong usage
    When the command line is called with <arguments>
    Then it ends with code 2 and one says what is wrong on stderr

    Examples:
      | arguments                                     |
      | analyse film.dcm                              |
      | analyse film.dcm -o out --policy clinical     |
      | analyse film.dcm -o out --threshold 0.1       |
      | analyse -o out                                |
      | analyze film.dcm                              |

  @SRS-065 @SRS-031 @RC-012 @RC-016
  Scenario: Exit code 3 on a bundle with one altered byte
    When a film is analysed with a bundle of which one bit is flipped
    Then it ends with code 3, names BND-HASH on one line of stderr, and writes no result

  @SRS-066 @RC-012 @RC-013
  Scenario Outline: The bundle is looked for in one fixed order
    Given a folder that holds bundles at <places>
    When the command info is run there with <option>
    Then it uses the bundle at <used> and prints which one it is

    Examples:
      | places                                                          | option          | used                   |
      | artifacts/bundle                                                | no option       | artifacts/bundle       |
      | artifacts/bundle, releases/0.9.0/bundle                         | no option       | releases/0.9.0/bundle  |
      | artifacts/bundle, releases/0.9.0/bundle, releases/0.10.0/bundle | no option       | releases/0.10.0/bundle |
      | artifacts/bundle, releases/0.9.0/bundle, other                  | --bundle other  | other                  |

  @SRS-066 @RC-012 @RC-013
  Scenario Outline: There is no fall-back from an unusable bundle
    Given a folder that holds bundles at artifacts/bundle, releases/0.9.0/bundle, other
    And the bundle at <place> is corrupt
    When the command info is run there with <option>
    Then it ends with code 3 and names BND-HASH

    Examples:
      | place                 | option         |
      | other                 | --bundle other |
      | releases/0.9.0/bundle | no option      |

  @SRS-066 @SRS-065
  Scenario: No bundle anywhere
    Given a folder that holds no bundle
    When the command info is run there with no option
    Then it ends with code 3 and names BND-NONE

  @SRS-068 @RC-014
  Scenario: The self-test on demand
    When the command self-test is run with the bundle
    Then it ends with code 0 and prints the largest deviations of box and score

  @SRS-068 @RC-014
  Scenario Outline: The self-test fails beyond its tolerance
    When the command self-test is run with a bundle with <fault>
    Then it ends with code 3 and names BND-SELF-TEST with the deviations

    Examples:
      | fault                             |
      | golden boxes shifted by 0.6 pixel |
      | golden scores shifted by 0.0002   |

  @SRS-068 @RC-014 @needs_run
  Scenario: The shipped bundle passes the self-test on this machine
    When the command self-test is run with the shipped bundle
    Then it ends with code 0 and prints the largest deviations of box and score

  @SRS-069
  Scenario: Results on stdout, diagnosis on stderr, no traceback
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then stdout has a line for each input and stderr one line for each refused input
    And no line of either begins with Traceback

  @SRS-069
  Scenario: With --json stdout is JSON and nothing else
    Given the research batch of a good film, a Secondary Capture and a film with assumptions
    Then its stdout parses as JSON and its stderr holds no line beginning with Traceback

  @SRS-069
  Scenario: A refused film under --json
    When a lateral film and a text file are analysed with --json
    Then its stdout parses as JSON with both refusals and stderr has one line for each
