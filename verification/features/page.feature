Feature: The page for people
  One sheet about each input, made from the same values as its JSON file: what was found, what was not looked at, what it is not for; without patient data.

  @SRS-150 @RC-022 @RC-010
  Scenario: The page of a film says what its result says
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then the page of input 1 gives the conclusion, and of each finding its name, state, operating point and marks with their scores, as in the result
    And the page of input 1 names device version, model version, bundle hash, policy, content hash and SOP Instance UID, as in the result

  @SRS-150 @RC-023
  Scenario: The picture on the page is the film with its outlines, and nothing covers what they enclose
    Given an analysed chest film of 512 x 512 pixels with one detection in its middle
    When its page is made with and without that detection
    Then the outline on the overlay lies within 3 pixels of the box scaled to the film on the page
    And the pixels inside the box, away from its outline, are those of the film without mark

  @SRS-150
  Scenario: A page needs no other file, asks for none and runs nothing
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then each of the 5 inputs has one page, which holds its own picture, forbids every other source, and has no script and no link

  @SRS-150 @SRS-046 @RC-017
  Scenario: The page of a film without marks does not call it normal
    Given an analysed chest film of 512 x 512 pixels without any detection
    When its page is made
    Then the page says that no finding was marked at the operating points and names the seven findings looked for
    And the page does not call the film normal, healthy or negative

  @SRS-150 @SRS-022 @SRS-017 @RC-029
  Scenario: Every caution stands on the page
    Given an analysed chest film of 512 x 512 pixels without orientation, compressed with loss
    When its page is made
    Then each caution of the result stands on the page, before the findings

  @SRS-150 @SRS-048 @RC-019 @RC-024
  Scenario: Status and limits stand on every page
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then every page says that the device is an engineering baseline, not cleared and not for clinical use
    And every page says that a mark supports but never replaces reading the whole film

  @SRS-047 @RC-018
  Scenario: Pages of the research policy are marked
    Given the research batch of a good film, a Secondary Capture and a film with assumptions
    Then every page begins with RESEARCH, in the colour of the mark

  @SRS-151 @RC-016 @RC-017
  Scenario: The page of a refused film says that it was not analysed, and why
    Given the batch of a good film, a text file, a truncated film, a lateral film and another good film
    Then the pages of inputs 2, 3 and 4 say that they were not analysed, with code, place, found, expected and repair of each reason
    And they show no picture and name no finding

  @SRS-151 @RC-016
  Scenario: The page of a failed analysis says so
    Given a device whose network fails with INF-NONFINITE
    When a batch of one chest film is run with it
    Then its page says that the film was admitted and its analysis failed with INF-NONFINITE

  @SRS-150 @SRS-151
  Scenario: Whoever wants no pages gets none
    When the command line analyses a chest film and a text file without pages
    Then there is no page, and result and record say that none was made
