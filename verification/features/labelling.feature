Feature: The mark of research and the status of the device
  What was made outside the intended use says so wherever it goes.

  @SRS-047 @RC-018
  Scenario: Every output of the research policy carries the word RESEARCH
    Given the research batch of a good film, a Secondary Capture and a film with assumptions
    Then every result, record, audit line and summary carries the mark RESEARCH

  @SRS-047 @RC-018
  Scenario: No output of the intended-use policy carries it
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then no result, record, audit line or summary carries the mark RESEARCH

  @SRS-047 @RC-018
  Scenario: The overlays of one film under both policies differ in their header
    Given the overlays of one film under both policies
    Then their headers differ in colour and words, and their films do not differ

  @SRS-019 @RC-003 @RC-018
  Scenario: A Secondary Capture is analysed under research and marked
    Given the research batch of a good film, a Secondary Capture and a film with assumptions
    Then input 2 is analysed, marked RESEARCH and carries a caution on its kind

  @SRS-020 @RC-003
  Scenario: Without a policy option the Secondary Capture is refused
    Given a Secondary Capture handed to the command line without a policy
    Then it is recorded as refused with ADM-SECONDARY under the intended-use policy

  @SRS-067 @RC-019
  Scenario: info shows version, model and status
    When the command info is run
    Then stdout shows device version, model version, bundle hash, profile, budget and that the device is not for clinical use

  @SRS-067 @RC-019
  Scenario: info gives the same as JSON
    When the command info is run with --json
    Then its fields hold the values of the bundle and the statement
