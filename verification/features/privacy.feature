Feature: Privacy
  What the device writes names nobody: planted patient data of analysed and refused films are searched for in every byte.

  @SRS-052 @SRS-021 @RC-025
  Scenario: No planted patient data in any output
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then no planted value is found on stdout, on stderr or in any output file but the DICOM objects
    And the DICOM objects hold the planted patient and order of their film, and no other planted value

  @SRS-052 @RC-025
  Scenario: No source path in a result, overlay, record or message
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then no source path is found on stdout, on stderr or in any output file but the local index of names

  @SRS-057 @RC-025
  Scenario: No planted patient data and no path in the audit file
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then neither a planted value nor a source path is found in the audit file

  @SRS-062 @RC-032
  Scenario: A batch works with sockets disabled and opens none
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then the run finished although every socket was refused, and nothing asked for one but a library's probe for IPv6 at import
    And the bundle's files are byte-identical before and after

  @SRS-062 @RC-032
  Scenario: Settings come from the bundle and never from the environment
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    When the first film is analysed again with misleading environment variables
    Then the result file is the same but for its number

  @SRS-034 @RC-032
  Scenario: Nothing is unpickled while films are analysed
    When two chest films are analysed under an audit hook
    Then the hook saw files being opened and no pickle
