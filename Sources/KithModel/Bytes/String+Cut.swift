// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The beginning of a text, at most this many bytes of it in UTF-8, cut between Unicode scalars.
    ///
    /// Characters are no measure of length for texts of other machines: one can be made of any number of scalars.
    package func cut(toBytes limit: Int) -> String {
        let bytes = utf8
        guard bytes.count > limit else { return self }
        var end = bytes.index(bytes.startIndex, offsetBy: max(0, limit))
        while end > bytes.startIndex, bytes[end] & 0xC0 == 0x80 { end = bytes.index(before: end) }
        return String(self[..<end])
    }
}
