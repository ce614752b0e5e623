Feature: The result of a film
  The JSON result lists every detection with place, score and operating point, names what made it, and never calls a film normal.

  @SRS-044 @RC-022
  Scenario: The file holds the detections of the public interface, field by field
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    When the first film is analysed through the public interface
    Then the detections of its result file equal those of the interface with id, name, box, score and operating point

  @SRS-045 @RC-010 @RC-022
  Scenario: A result names what made it
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then the result of input 1 holds device version, model version, bundle hash, preprocessing id, profile, budget, policy, operating points, content hash and SOP Instance UID
    And each of them equals the value read from device, bundle or film

  @SRS-027
  Scenario: The preprocessing id of the bundle is printed
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then the result of input 1 names the preprocessing tt-default-1

  @SRS-046 @RC-017
  Scenario: No finding marked is not called normal
    Given a bundle whose operating points no score reaches
    When a chest film is analysed with it and its result is written
    Then the result says that no finding was marked at the operating points and names the seven findings looked for
    And no output of it calls the film normal, healthy or negative

  @SRS-048 @RC-019 @RC-024
  Scenario: Status and limits stand in every result
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then every result says that the device is an engineering baseline, not cleared and not for clinical use
    And every result says that a mark supports but never replaces reading the whole film

  @SRS-022 @SRS-025 @SRS-017 @RC-029
  Scenario: The cautions of a film stand in its result
    Given the research batch of a good film, a Secondary Capture and a film with assumptions
    Then the result of input 3 lists cautions on orientation, window and lossy compression
