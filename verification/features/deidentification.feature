Feature: De-identification
  Films that are given away name nobody: header, picture and report are searched for planted patient data, and the way back needs the key.

  @SRS-127 @SRS-129 @RC-041
  Scenario: No planted patient data in anything that is given away
    Given two films of a patient, each with planted patient data at the top and in a sequence
    When their identities are removed
    Then no planted value is found in the folder, on stdout or on stderr
    And each clean film says what was done to it

  @SRS-128 @RC-041
  Scenario: Films of a patient stay together, and only the key makes the pseudonyms again
    Given two films of a patient, each with planted patient data at the top and in a sequence
    When their identities are removed
    And their identities are removed again with the same key, and with another key
    Then the films of a run share patient and study, and differ in their instance
    And the second run made the same names and UIDs, and the one with another key made others
    And the dates lie as many days apart as before, and are others

  @SRS-129 @RC-041
  Scenario: Who is who opens with its key only
    Given two films of a patient, each with planted patient data at the top and in a sequence
    When their identities are removed
    Then the table names the planted patient for its key, and opens with no other key

  @SRS-129 @RC-041
  Scenario: A key or a table in the folder that is given away is refused
    Given two films of a patient, each with planted patient data at the top and in a sequence
    When the key or the table is to lie in the folder
    Then each run ends with exit code 3 and DEI-APART, and no film was written

  @SRS-130 @RC-041
  Scenario: A name drawn into the picture is covered, and its place told
    Given a film with a name drawn into its picture
    When its identity is removed
    Then the place of the name holds one value, and the report tells the place
    And the film says that its pixels were cleaned

  @SRS-130 @RC-041
  Scenario: A name drawn into the picture refuses the film where that was chosen
    Given a film with a name drawn into its picture
    When its identity is removed with --burned-in refuse
    Then the film is refused with DEI-BURNED-IN, and nothing is given away

  @SRS-130 @RC-041
  Scenario: A film without text keeps its pixels
    Given two films of a patient, each with planted patient data at the top and in a sequence
    When their identities are removed
    Then the pixel data of each clean film is that of its original

  @SRS-131 @RC-041
  Scenario: What cannot be read whole is not given away
    Given a good film, a text file and a truncated film
    When their identities are removed
    Then one film is clean, two inputs are refused with their codes, and the run ends with exit code 1
