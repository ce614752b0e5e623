Feature: Second opinions
  A bundle may hold further networks, views, tiles and a normal/abnormal classifier. Each is proven at start, each is told in the trace, and a film with findings does not lose its marks in silence.

  @SRS-140 @RC-042
  Scenario Outline: Marks are withheld only where classifier, detector and likeness agree
    Given a bundle whose classifier scores every film <score>, with the cut-off 0.30, and keeps marks from <kept>
    When the film of second opinions is <film>
    Then <what> of its marks are shown

    Examples:
      | score | kept   | film                            | what                   |
      | 0.10  | 1.0    | like the reference films        | none                   |
      | 0.29  | 1.0    | like the reference films        | none                   |
      | 0.31  | 1.0    | like the reference films        | all                    |
      | 0.90  | 1.0    | like the reference films        | all                    |
      | 0.10  | 0.0    | like the reference films        | all                    |
      | 0.10  | middle | like the reference films        | the upper half         |
      | 0.10  | 1.0    | covered with noise              | all                    |

  @SRS-141 @RC-042
  Scenario: Withheld marks are told in the result, on the overlay and in the trace
    Given a bundle whose classifier scores every film 0.10, with the cut-off 0.30, and keeps marks from 1.0
    When the film of second opinions is like the reference films
    Then result and overlay carry a caution that begins with WITHHELD and names number, findings, score and cut-off
    And its conclusion does not say that nothing was marked
    And the trace holds score, rule and the marks before and after the classifier

  @SRS-141
  Scenario: Nothing is said of withheld marks where none are withheld
    Given a bundle whose classifier scores every film 0.90, with the cut-off 0.30, and keeps marks from 1.0
    When the film of second opinions is like the reference films
    Then no caution of it begins with WITHHELD

  @SRS-142 @RC-042
  Scenario Outline: A cut-off that was not shown to spare films with findings stops the device
    Given a bundle of second opinions with <fault>, sealed again
    When the device is started with it
    Then it does not start and the code is <code>

    Examples:
      | fault                                                  | code        |
      | a cut-off that suppressed 1 of 38 films with findings  | BND-CUT-OFF |
      | a cut-off chosen on 28 films with findings             | BND-CUT-OFF |
      | a cut-off of 1.2                                       | BND-CONTENT |

  @SRS-142
  Scenario: Twenty-nine films with findings and none below are enough
    Given a bundle of second opinions with a cut-off chosen on 29 films with findings, sealed again
    When the device is started with it
    Then it starts

  @SRS-143 @RC-022
  Scenario: Candidates are what an independent reference fuses from each network's own
    Given a bundle with two networks
    When the film of second opinions is like the reference films
    Then its candidates are those of a reference fusion of what each network says by itself, calibrated by the bundle's curves

  @SRS-144 @RC-021
  Scenario Outline: Films larger than a tile are tiled
    Given a bundle with tiles of 400 pixels that overlap by 150
    When the film of second opinions has <rows> rows and <columns> columns
    Then the trace names <tiles> tiles, which cover the film, and neighbours share at least 150 pixels

    Examples:
      | rows | columns | tiles |
      | 512  | 512     | 4     |
      | 640  | 512     | 4     |
      | 700  | 512     | 6     |

  @SRS-144 @RC-021
  Scenario: A lesion that tiles cut comes out once
    Given a device that finds a bright rectangle wherever it looks, with tiles of 300 pixels that overlap by 100
    When it looks at a film of 900 pixels with a rectangle that is larger than a tile, and one that is smaller
    Then it gives two candidates, each the box of its rectangle

  @SRS-145 @RC-021
  Scenario Outline: A view that is no small change of the same film stops the device
    Given a bundle of second opinions with <fault>, sealed again
    When the device is started with it
    Then it does not start and the code is BND-CONTENT

    Examples:
      | fault                   |
      | a view that mirrors     |
      | a view turned upside down |

  @SRS-145 @RC-021
  Scenario: What a view shows comes back to where it lies on the film
    Given a device that finds a bright rectangle wherever it looks, turned by 4 degrees and shrunk to 0.9
    When it looks at a film of 900 pixels with a bright ellipse
    Then the view's candidate is the ellipse's box within two network pixels

  @SRS-146 @RC-014
  Scenario Outline: A further network that does not give what was released stops the device
    Given a bundle of second opinions with <fault>, sealed again
    When the device is started with it
    Then it does not start and the code is <code>

    Examples:
      | fault                                                    | code          |
      | a classifier whose parity check differs by 0.00011       | BND-PARITY    |
      | a classifier without a film in its parity check          | BND-PARITY    |
      | a member whose parity check differs by 0.51 pixel        | BND-PARITY    |
      | a box of the member's golden film shifted by 0.6 pixel   | BND-SELF-TEST |
      | a fused box of a golden film shifted by 0.6 pixel        | BND-SELF-TEST |
      | an abnormal score of a golden film shifted by 0.0002     | BND-SELF-TEST |
      | no golden second opinion                                 | BND-SELF-TEST |
      | a member for six findings                                | BND-CONTENT   |

  @SRS-146 @RC-014
  Scenario: A difference inside the tolerance does not
    Given a bundle of second opinions with an abnormal score of a golden film shifted by 0.00005, sealed again
    When the device is started with it
    Then it starts

  @SRS-147 @RC-039
  Scenario: A bundle that names no second opinions has the steps of one network
    Given a bundle without second opinions
    When the film of second opinions is like the reference films
    Then its trace has the steps network, on the film, calibration, operating points

  @SRS-147 @RC-039
  Scenario: Every look is in the trace, and the result can be built again
    Given a bundle with second opinions of every kind
    When the command line analyses a film with it and replays the result
    Then the trace lists each network with the plain look and each view, and replay finds the same bytes
