"""The overlay as a Secondary Capture, for archives whose viewers show neither structured reports nor presentation states.

It says of itself that it is derived, secondary and has text burned in, so that no device (this one included) takes it for a film.

Source: DICOM PS3.3 A.8.1, C.7.6.1, C.7.6.3, C.8.6.1, C.8.6.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_sw.report.dicom_objects.header import DicomFile, Kind, day_and_time, encoded, image_reference, new_object

if TYPE_CHECKING:
    from PIL import Image

    from device_sw.report.dicom_objects.identity import Origin

KIND = Kind("secondary-capture", "1.2.840.10008.5.1.4.1.1.7", "OT", 9103, "ThoraTrace overlay")


def capture(origin: Origin, page: Image.Image) -> DicomFile:
    """Return the overlay of an analysed film as a DICOM file.

    Args:
        origin: what it was made from.
        page: the overlay, RGB.
    """
    dataset = new_object(origin, KIND)
    dataset.ConversionType = "SYN"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = None
    dataset.ContentDate, dataset.ContentTime = day_and_time(origin)
    dataset.BurnedInAnnotation = "YES"
    dataset.LossyImageCompression = "00"
    dataset.DerivationDescription = "Film with the marks of ThoraTrace, rescaled; not for diagnosis"
    dataset.SourceImageSequence = [image_reference(origin)]
    rgb = page.convert("RGB")
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.Rows, dataset.Columns = rgb.height, rgb.width
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    pixels = rgb.tobytes()
    dataset.add_new("PixelData", "OB", pixels + b"\0" * (len(pixels) % 2))
    return encoded(dataset, origin)
