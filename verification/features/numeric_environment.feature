Feature: Numeric environment
  Threads, instruction set and hash seed are settings of the device and not of the machine it runs on.

  @SRS-061 @RC-015
  Scenario: A process started with other settings runs with the device's
    Given the batch, which was started with OMP_NUM_THREADS=8 and another hash seed
    Then the process that analysed ran with 1 thread and every variable of the numeric environment as fixed

  @SRS-061 @SRS-038 @RC-015
  Scenario: Another process gives the same candidates
    Given the batch, which was started with OMP_NUM_THREADS=8 and another hash seed
    And a second run into the same folder
    Then the result of the same film is equal in both runs, without tolerance

  @SRS-061 @RC-015
  Scenario Outline: It stops when it is too late to fix the environment
    When the launcher is called in a process that has imported <library>
    Then it stops and says that <library> was imported first

    Examples:
      | library |
      | numpy   |
      | torch   |

  @SRS-063 @RC-027 @needs_run
  Scenario: Time and memory for one film of 1,024 x 1,024 pixels
    When the shipped device analyses one phantom film three times on one core
    Then the median is at most 5 seconds and the peak resident memory at most 2 GB
