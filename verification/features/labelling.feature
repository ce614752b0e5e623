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

  @SRS-047 @RC-018 @needs_run
  Scenario: The instructions for use say what the mark RESEARCH means
    Given the instructions for use as they are built
    Then their warnings say "Output marked RESEARCH was made outside the intended use and must not be used for a decision about a patient.", with the control RC-018

  @SRS-048 @RC-019 @needs_run
  Scenario: The instructions for use give the device's status
    Given the instructions for use as they are built
    Then their warnings say "ThoraTrace is an engineering baseline: it is not cleared and not for clinical use.", with the control RC-019

  @SRS-048 @RC-024 @needs_run
  Scenario: The instructions for use say to read the whole film
    Given the instructions for use as they are built
    Then their warnings say "Read the whole film: a mark supports but never replaces the radiologist's reading, and the absence of a mark is not a finding.", with the control RC-024

  @SRS-017 @SRS-022 @SRS-025 @RC-029 @needs_run
  Scenario: The instructions for use say what cautions are for
    Given the instructions for use as they are built
    Then their warnings say "Cautions name what the device had to assume about a film; check the side and the image quality of such a film yourself.", with the control RC-029

  @SRS-042 @RC-030 @needs_run
  Scenario: The instructions for use say what the heat map is not
    Given the instructions for use as they are built
    Then their warnings say "The heat map shows where the network's features are strong, for all findings together; it is no evidence for or against any of them.", with the control RC-030

  @SRS-110 @RC-038 @needs_run
  Scenario: The instructions for use say what the caution OOD means
    Given the instructions for use as they are built
    Then their warnings say "A caution that begins with OOD says that the film is unlike the films the model was trained on: the published figures do not hold for it, and its marks and their absence say even less.", with the control RC-038

  @SRS-039 @RC-031 @needs_run
  Scenario: The instructions for use say what the performance figures rest on
    Given the instructions for use as they are built
    Then their warnings say "Performance was measured on phantom films only; the figures for each finding are in the validation section and must not be transferred to patients.", with the control RC-031

  @SRS-039 @RC-031 @needs_run
  Scenario: The instructions for use cite the measured performance, finding by finding
    Given the instructions for use as they are built
    Then their performance section gives sensitivity, specificity and false marks of the validation record and leads to it
    And the table they lead to gives each of the seven findings its figure and the trivial detector's
