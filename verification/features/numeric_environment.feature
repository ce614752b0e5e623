Feature: Numeric environment
  Threads, instruction set and hash seed are settings of the device and not of the machine it runs on.

  @SRS-061 @RC-015
  Scenario: A process started with other settings runs with the device's
    Given the batch, which was started with OMP_NUM_THREADS=8 and another hash seed
    Then the process that analysed ran with every variable of the numeric environment as fixed

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
      | library  |
      | numpy    |
      | openvino |
      | torch    |

  @SRS-061 @RC-015 @needs_run
  Scenario: No kernel of the shipped network chooses its instructions by the processor alone
    When the kernels of the shipped network are named
    Then none uses wider instructions than the fixed ones
    And none is of the library that knows no limit

  @SRS-105 @RC-015
  Scenario Outline: The number of threads changes no bit
    When four films are computed with <one> and with <other> threads
    Then every number is the same bit for bit

    Examples:
      | one | other |
      | 1   | 2     |
      | 1   | 4     |

  @SRS-106 @RC-032
  Scenario Outline: A film needs neither the training library nor usage statistics
    When a process starts the device
    Then the process has not loaded <package>

    Examples:
      | package            |
      | torch              |
      | openvino_telemetry |

  @SRS-107 @RC-027 @needs_run
  Scenario: A cold start ends in a result soon
    When the command line analyses one film of the phantom from a cold start
    Then it took at most 6 seconds of processor time

  @SRS-063 @RC-027 @needs_run
  Scenario: Time and memory for one film of 1,024 x 1,024 pixels
    When the shipped device analyses one phantom film three times on one core
    Then the median is at most 1.5 seconds and the peak resident memory at most 2 GB
