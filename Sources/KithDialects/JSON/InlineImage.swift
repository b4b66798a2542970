// SPDX-License-Identifier: Apache-2.0

/// An image inside a `data:` URL (RFC 2397) in base64.
struct InlineImage: Hashable, Sendable {
    var mediaType: String
    var base64: String

    /// - Returns: `nil` when `dataURL` is something else.
    init?(dataURL: String) {
        guard dataURL.hasPrefix("data:"), let mark = dataURL.firstRange(of: ";base64,") else { return nil }
        mediaType = String(dataURL[dataURL.index(dataURL.startIndex, offsetBy: 5)..<mark.lowerBound])
        base64 = String(dataURL[mark.upperBound...])
    }
}
