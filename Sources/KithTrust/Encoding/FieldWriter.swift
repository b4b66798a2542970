// SPDX-License-Identifier: Apache-2.0

/// Puts fields one after another so that every sequence of fields has one form and every form one meaning: numbers are
/// big-endian and of fixed width, text and other things of varying length follow their length.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ number: UInt8) { bytes.append(number) }

    mutating func put(_ number: UInt16) { put(bits: UInt64(number), width: 2) }

    mutating func put(_ number: UInt64) { put(bits: number, width: 8) }

    /// Bytes whose number is known from the context.
    mutating func put(fixed field: some Sequence<UInt8>) { bytes.append(contentsOf: field) }

    /// Bytes after their number in two bytes. More than 65,535 are cut; no field comes near.
    mutating func put(counted field: some Collection<UInt8>) {
        put(UInt16(clamping: field.count))
        bytes.append(contentsOf: field.prefix(Int(UInt16.max)))
    }

    private mutating func put(bits: UInt64, width: Int) {
        for shift in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * shift))) }
    }
}
