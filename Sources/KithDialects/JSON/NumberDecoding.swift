// SPDX-License-Identifier: Apache-2.0

extension KeyedDecodingContainer {
    /// Decodes a number so that one which does not fit is told apart from broken JSON, and its field is named: the
    /// decoder itself reports `1e999` and a fractional count as if the whole body were malformed.
    ///
    /// - Throws: `DecodingError` with this field's path.
    func decodeNumberIfPresent<Number: Decodable>(_ type: Number.Type, forKey key: Key) throws -> Number? {
        do {
            return try decodeIfPresent(type, forKey: key)
        } catch let error as DecodingError {
            guard case .dataCorrupted = error else { throw error }
            throw unusableNumber(forKey: key)
        } catch {
            throw unusableNumber(forKey: key)  // the parser's own error, which the decoder would wrap at the top
        }
    }

    private func unusableNumber(forKey key: Key) -> DecodingError {
        DecodingError.dataCorruptedError(
            forKey: key, in: self, debugDescription: "not a number that can be used")
    }
}
