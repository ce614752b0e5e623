Feature: A batch on the command line
  Every input ends in a result or a refusal record, whatever becomes of the others; nothing is ranked and the source files stay as they are.

  @SRS-064 @SRS-005 @RC-016
  Scenario: A bad input does not stop the batch
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then inputs 1 and 5 are analysed, each with one result and one overlay
    And inputs 2, 3 and 4 are refused with IN-NOT-DICOM, IN-PIXELS-SHORT and ADM-VIEW, each with one record

  @SRS-051 @RC-023
  Scenario: Outputs follow the order of the inputs and nothing ranks them
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then the lines on stdout, the summary and the audit file follow the order of the inputs
    And no field of any output is named priority, urgency, rank or triage

  @SRS-051 @RC-023
  Scenario: The order of the inputs decides, not the scores
    Given two films that were handed over in the other order
    Then their outputs stand in that order

  @SRS-007 @RC-010
  Scenario: Every record holds the SHA-256 of the bytes and the SOP Instance UID
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then each result, record and audit line of a readable film holds its content hash and its SOP Instance UID
    And no two films share a content hash

  @SRS-007 @SRS-049 @RC-010
  Scenario: Inputs that could not be read as films are known by their content, too
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then the records and audit lines of the text file and the truncated film hold their content hashes

  @SRS-050 @RC-023
  Scenario: The source files stay untouched
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then every source file has the SHA-256 that it had before

  @SRS-053 @RC-028
  Scenario: A write that fails half way leaves no output of that film
    Given a run whose files cannot grow beyond 20000 bytes
    Then its message names a code beginning with OUT- and it does not end with 0
    And no result, overlay or temporary file of that film exists

  @SRS-053 @RC-028
  Scenario: A finished batch leaves no temporary file
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then only results, overlays, refusals, pages, DICOM objects, audit file, index and summary lie in the output folder
    And every JSON file parses and every overlay opens
