// SPDX-License-Identifier: Apache-2.0

/// The header fields by which a request is known from client to engine, in lower case.
package enum TraceHeader {
    package static let parent = "traceparent"
    package static let state = "tracestate"
    package static let request = "x-request-id"
}

/// Names one trace: the 16 bytes of W3C Trace Context, not all zero.
package struct TraceID: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    /// - Returns: `nil` for the id of no trace.
    package init?(high: UInt64, low: UInt64) {
        guard high | low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    /// The name of a request that this program named is the name of its trace too, so that whoever knows one finds the
    /// other; a request that a client named in its own way has a trace of its own.
    package init(of request: RequestID) {
        if let id = TraceID(request.rawValue) {
            self = id
        } else {
            let generator = BulkRandom()
            high = generator.next()
            low = generator.next() | 1
        }
    }

    /// - Parameter text: 32 hexadecimal digits in lower case.
    package init?(_ text: String) {
        var text = text
        let id = text.withUTF8 { bytes -> TraceID? in
            guard bytes.count == 32 else { return nil }
            return TraceID(bytes, at: 0)
        }
        guard let id else { return nil }
        self = id
    }

    fileprivate init?(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) {
        guard let high = UInt64(hexadecimal: bytes, at: start), let low = UInt64(hexadecimal: bytes, at: start + 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}

/// Names one span of a trace: eight bytes, not all zero.
package struct SpanID: Hashable, Sendable {
    package let rawValue: UInt64

    /// - Returns: `nil` for the id of no span.
    package init?(rawValue: UInt64) {
        guard rawValue != 0 else { return nil }
        self.rawValue = rawValue
    }

    /// - Parameter text: 16 hexadecimal digits in lower case.
    package init?(_ text: String) {
        var text = text
        let value = text.withUTF8 { $0.count == 16 ? UInt64(hexadecimal: $0, at: 0) : nil }
        guard let value else { return nil }
        self.init(rawValue: value)
    }
}

/// Where in which trace a request was when it was sent: what `traceparent` and `tracestate` say (W3C Trace Context).
package struct TraceContext: Hashable, Sendable {
    package var trace: TraceID
    /// The span from which the request was sent.
    package var span: SpanID
    /// Whether the sender records the trace.
    package var isSampled: Bool
    /// The entries of other systems in `tracestate`, passed on as they came; empty for none.
    package var state: String

    package init(trace: TraceID, span: SpanID, isSampled: Bool, state: String = "") {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
        self.state = state
    }

    /// - Parameters:
    ///   - parent: The value of `traceparent`.
    ///   - state: The values of `tracestate`, in order.
    /// - Returns: `nil` for a parent that is not valid: then a new trace begins. A state that is not valid is left out.
    package init?(parent: String, state: [String] = []) {
        guard let (trace, span, flags) = Self.read(parent) else { return nil }
        self.init(
            trace: trace, span: span, isSampled: flags & Self.sampledFlag != 0,
            state: state.isEmpty ? "" : TraceState.joined(state) ?? "")
    }

    private static let sampledFlag: UInt8 = 1
    /// Bytes of a value of version 00; those of later versions begin in the same way.
    private static let length = 55
    /// Bytes of a value of a later version that is still read.
    private static let longest = 512

    private static func read(_ parent: String) -> (TraceID, SpanID, UInt8)? {
        var parent = parent
        return parent.withUTF8 { bytes in
            let dash = UInt8(ascii: "-")
            guard (length...longest).contains(bytes.count), bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
                let version = UInt64(hexadecimal: bytes, at: 0, digits: 2), version != 0xFF,
                let trace = TraceID(bytes, at: 3),
                let span = UInt64(hexadecimal: bytes, at: 36).flatMap(SpanID.init(rawValue:)),
                let flags = UInt64(hexadecimal: bytes, at: 53, digits: 2)
            else { return nil }
            guard bytes.count == length || version > 0 && bytes[length] == dash else { return nil }
            return (trace, span, UInt8(truncatingIfNeeded: flags))
        }
    }

    /// The value of `traceparent`, in version 00.
    package var parent: String {
        String(unsafeUninitializedCapacity: Self.length) { bytes in
            bytes[0] = UInt8(ascii: "0")
            bytes[1] = UInt8(ascii: "0")
            bytes[2] = UInt8(ascii: "-")
            trace.high.writeHexadecimal(to: bytes, at: 3)
            trace.low.writeHexadecimal(to: bytes, at: 19)
            bytes[35] = UInt8(ascii: "-")
            span.rawValue.writeHexadecimal(to: bytes, at: 36)
            bytes[52] = UInt8(ascii: "-")
            bytes[53] = UInt8(ascii: "0")
            bytes[54] = isSampled ? UInt8(ascii: "1") : UInt8(ascii: "0")
            return Self.length
        }
    }
}

extension TraceID: CustomStringConvertible {
    package var description: String {
        String(unsafeUninitializedCapacity: 32) { bytes in
            high.writeHexadecimal(to: bytes, at: 0)
            low.writeHexadecimal(to: bytes, at: 16)
            return 32
        }
    }
}

extension SpanID: CustomStringConvertible {
    package var description: String {
        String(unsafeUninitializedCapacity: 16) { bytes in
            rawValue.writeHexadecimal(to: bytes, at: 0)
            return 16
        }
    }
}

extension UInt64 {
    /// - Returns: `nil` for anything but digits in lower case, as the standard wants them.
    fileprivate init?(hexadecimal bytes: UnsafeBufferPointer<UInt8>, at start: Int, digits: Int = 16) {
        var value: UInt64 = 0
        for byte in bytes[start..<start + digits] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        self = value
    }

    /// Writes 16 digits.
    fileprivate func writeHexadecimal(to bytes: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        var rest = self
        for place in stride(from: start + 15, through: start, by: -1) {
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            bytes[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
            rest >>= 4
        }
    }
}
