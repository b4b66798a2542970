// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
package import KithTracing

/// What is recorded of requests, and where it is sent.
package struct TracingSettings: Sendable {
    /// The share of traces that are recorded, 0 to 1.
    package var sample: Double
    /// Traces that begin a second at most.
    package var perSecond: Int
    /// The collector; `nil` sends nothing.
    package var collector: OTLPExporter.Target?

    package init(sample: Double = 1, perSecond: Int = 100, collector: OTLPExporter.Target? = nil) {
        self.sample = sample
        self.perSecond = perSecond
        self.collector = collector
    }

    init(_ values: SettingValues) throws(SettingError) {
        sample = try values.required(.tracingSample, values.number(.tracingSample))
        perSecond = try values.required(.tracingPerSecond, values.integer(.tracingPerSecond))
        guard var address = values.text(.otlpEndpoint).flatMap(HTTPAddress.init) else { return }
        if !address.basePath.hasSuffix(Self.path) { address.basePath += Self.path }
        let headers = values.secret(.otlpHeaders).flatMap { Self.headers($0.reveal()) } ?? []
        guard headers.isEmpty || address.keepsSecrets else {
            throw values.refusal(
                .otlpHeaders,
                "tracing.otlp_endpoint must begin with https, because others could read on the way what it is shown")
        }
        collector = OTLPExporter.Target(address: address, headers: headers)
    }

    private static let path = "/v1/traces"
    private static let headerLimit = 32

    /// Reads `name=value,name=value`, values with escapes as in URLs: the form of `OTEL_EXPORTER_OTLP_HEADERS`.
    ///
    /// - Returns: `nil` for what cannot be sent as header fields.
    static func headers(_ text: String) -> [(name: String, value: Secret)]? {
        var headers: [(name: String, value: Secret)] = []
        for entry in SettingKind.entries(text) {
            guard let sign = entry.firstIndex(of: "="), headers.count < headerLimit,
                let value = PathSegment.unescaped(String(entry[entry.index(after: sign)...]))
            else { return nil }
            let name = String(entry[..<sign])
            guard !name.isEmpty, name.utf8.allSatisfy(isNameByte),
                value.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
            else { return nil }
            headers.append((name, Secret(value)))
        }
        return headers
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
