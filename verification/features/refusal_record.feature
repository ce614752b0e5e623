Feature: The refusal record
  The absence of a file is not a message: each refused input has a record with its reasons, and no result.

  @SRS-049 @SRS-021 @RC-016 @RC-017
  Scenario: A lateral film leaves exactly one record
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then input 4 has one record with status refused, code ADM-VIEW, place, found, expected and repair
    And that record has neither a list of detections nor a picture

  @SRS-049 @RC-016
  Scenario: The record of a refused film carries the statement and what made it
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then every record names device version, bundle hash and policy, and the film as not analysed

  @SRS-049 @SRS-037 @RC-016 @RC-020
  Scenario: A film that the network fails on leaves a record with status failed
    Given a device whose network fails with INF-NONFINITE
    When a batch of one chest film is run with it
    Then there is one record with status failed and code INF-NONFINITE, and no result
