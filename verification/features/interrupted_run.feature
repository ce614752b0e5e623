Feature: A run that is interrupted, repeated or shared out
  Whatever ends a run, each input is either not yet taken or recorded whole; the same command goes on, and the records do not depend on how the work was divided.

  @SRS-117 @RC-016 @RC-028
  Scenario: A run that is killed is continued by the same command
    Given a run over four films that is killed after its first audit line
    Then every visible file is whole and named by an audit line
    When the same command is given again
    Then each input has one audit line, the folder agrees with its trail and no part is left

  @SRS-117 @RC-028
  Scenario: Files that an audit line names are completed
    Given a finished folder as a run leaves it that died before the last input's files had their names
    When the same command is given again
    Then the files have their names and bytes, and the audit file is as it was

  @SRS-117 @RC-028
  Scenario: Files that no audit line names are removed
    Given a finished folder with parts that no audit line names
    When the same command is given again
    Then no part is left and the audit file is as it was

  @SRS-118 @RC-026
  Scenario: An audit line that a crash cut is set aside, told and made again
    Given a finished folder as a run leaves it that died in the middle of the last audit line
    When the same command is given again
    Then the cut line lies in quarantine, a line tells its hash, and the input is recorded again

  @SRS-119 @RC-028
  Scenario: Only one run at a time writes to a folder
    Given a finished folder that another run is writing to
    When the same command is given again
    Then it ended with 3, named OUT-LOCKED and changed nothing

  @SRS-120 @RC-016
  Scenario: What is recorded is not analysed twice
    Given a finished folder
    When the same command is given again
    Then the audit file is as it was and stdout says of each input that it was recorded earlier

  @SRS-053 @SRS-121 @RC-028
  Scenario: After the disk was full the same command goes on
    Given a run whose files cannot grow beyond 20000 bytes
    When its command is given again without the limit
    Then it ends with 0 and the folder agrees with its trail

  @SRS-053 @RC-028
  Scenario: A file that is written again is whole or as it was
    Given an output folder with a summary
    When the disk is full half way through its next summary
    Then OUT-WRITE is reported, and the summary is as it was

  @SRS-122 @RC-016
  Scenario: An unforeseen error is that input's failure and not the end of the batch
    When two films are analysed by a device that breaks on the first with a patient's name in its message
    Then the first is recorded as failed with INF-UNEXPECTED, the second is analysed, and no output holds the name

  @SRS-123 @RC-010
  Scenario: Another picture under the same SOP Instance UID is refused
    When two films with one SOP Instance UID and different pictures are analysed
    Then the first is analysed and the second refused with ADM-DUPLICATE

  @SRS-124 @RC-016
  Scenario: The Merkle root depends on what was found and not on the order
    When two films and a text file are analysed in two orders
    Then both folders have the same Merkle root, and another film gives another

  @SRS-124 @RC-016
  Scenario: Two workers give the Merkle root of one process
    When a film and a text file are analysed in one process and by two workers
    Then both folders have the same Merkle root, line for line the same leaves

  @SRS-124
  Scenario: Without Ray the archive engine says so
    When a film is analysed by two workers where Ray is not installed
    Then the command ended with 3 and named ENV-RAY

  @SRS-125 @RC-026
  Scenario Outline: The folder is compared with its trail
    Given a finished folder of which <what>
    When its audit trail is verified
    Then it ended with <code> and named <difference>

    Examples:
      | what                             | code | difference         |
      | nothing was changed              | 0    | nothing             |
      | one result was altered           | 1    | the altered result  |
      | one overlay was removed          | 1    | the removed overlay |
      | a result was added               | 1    | the added result    |
