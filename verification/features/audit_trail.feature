Feature: The audit trail
  One line for each input, appended and never changed, that suffices to reconstruct what was done and names nobody.

  @SRS-054 @RC-016 @RC-026
  Scenario: Five inputs add five lines
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then the audit file has five lines that parse as JSON, in the order of the inputs

  @SRS-055 @RC-026
  Scenario: An audit line suffices to reconstruct
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then every audit line holds UTC time, device version, model version, bundle hash, policy, content hash, outcome, code and number of detections
    And the counts of an analysed film equal those in its result, finding by finding

  @SRS-056 @RC-026 @RC-028
  Scenario: A second run only appends
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    And a second run into the same folder
    Then the audit file begins with the bytes of the first run and has one line more

  @SRS-056 @RC-026 @RC-028
  Scenario: A result whose audit line cannot be written is no result
    Given a run whose audit file cannot be written
    Then it does not end with 0 and leaves no result and no overlay

  @SRS-056 @RC-026
  Scenario: A line that was changed is noticed
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    And one character of its audit file is changed
    When another run into that folder is started
    Then it ends with 3, names OUT-AUDIT-CHAIN and leaves the audit file as it is
