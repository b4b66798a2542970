// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithServer
import KithTransport

/// The value that a setting's text stands for, checked.
enum SettingContent: Hashable, Sendable {
    case string(String)
    case int(Int)
    case double(Double)
    case bool(Bool)
}

/// The values that a setting's text may stand for.
package enum SettingKind: Sendable {
    case nodeName
    case path
    case host
    case modelName
    case address
    /// An address as Ollama's own programs take it; see `HTTPAddress.ofOllama(_:)`.
    case ollamaAddress
    case choice([String])
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    /// Bytes, or with the suffix KiB, MiB or GiB a multiple of them.
    case byteCount(ClosedRange<Int>)
    /// Text that is sent in a header: printable ASCII without spaces, of a minimum length.
    case token(minimumLength: Int)
    /// Entries separated by commas.
    case list
    /// The SHA-256 digest of a certificate.
    case fingerprint
    case boolean
    /// Host names and addresses separated by commas.
    case hostList
    /// Origins of web pages separated by commas, or `*`.
    case originList
    /// Addresses and ranges of them separated by commas. In YAML also a sequence.
    case addressRanges
    /// Addresses of HTTP services separated by commas; `host:port` stands for `http://host:port`.
    case addressList
    /// Header fields, `name=value`, separated by commas.
    case headerList
    /// One or more words separated by commas.
    case choices([String])
    /// Names for several models; see `ModelAliases.init(settingText:)`. In YAML a mapping of lists.
    case aliases
    /// Engines; see ``EngineList``. In YAML a sequence.
    case engines
    /// A program and its arguments separated by commas.
    case words
    /// Names of programs separated by commas.
    case programs
    /// Webhooks separated by commas; see `WebhookAddress.init(_:)`.
    case webhooks
    /// Requests in a time, such as `60/min`, or `off`.
    case requestRate
    /// Numbers for some alerts; see `AlertNumbers.init(_:)`.
    case alertNumbers

    /// - Returns: `nil` when `text` is of the wrong type or out of range.
    func parse(_ text: String) -> SettingContent? {
        switch self {
        case .nodeName: NodeName(text).map { .string($0.rawValue) }
        case .path, .host, .modelName: text.unicodeScalars.contains { $0.value < 0x20 } ? nil : .string(text)
        case .address: HTTPAddress(text).map { .string($0.description) }
        case .ollamaAddress: HTTPAddress.ofOllama(text).map { .string($0.description) }
        case .choice(let choices): choices.contains(text.lowercased()) ? .string(text.lowercased()) : nil
        case .integer(let range): Int(text).flatMap { range.contains($0) ? .int($0) : nil }
        case .number(let range): Double(text).flatMap { range.contains($0) ? .double($0) : nil }
        case .byteCount(let range): Self.bytes(text).flatMap { range.contains($0) ? .int($0) : nil }
        case .token(let minimum): Self.isToken(text, minimum: minimum) ? .string(text) : nil
        case .list: .string(text)
        case .words: text.unicodeScalars.contains { $0.value < 0x20 } ? nil : .string(text)
        case .programs:
            Self.entries(text).allSatisfy { !$0.contains("/") && !$0.unicodeScalars.contains { $0.value < 0x20 } }
                ? .string(text) : nil
        case .webhooks: Self.entries(text).allSatisfy { WebhookAddress($0) != nil } ? .string(text) : nil
        case .requestRate:
            if text.lowercased() == "off" { .string("off") } else { RequestRate(text).map { .string($0.description) } }
        case .alertNumbers: AlertNumbers(text).map { _ in .string(text) }
        case .fingerprint: CertificatePin(fingerprint: text).map { _ in .string(text) }
        case .boolean: Self.boolean(text).map { .bool($0) }
        case .hostList:
            Self.entries(text).allSatisfy(Self.isHost) ? .string(text.lowercased()) : nil
        case .originList:
            Self.entries(text).allSatisfy { $0 == AllowedOrigins.wildcard || WebOrigin.normalised($0) != nil }
                ? .string(text.lowercased()) : nil
        case .addressRanges: Self.entries(text).allSatisfy { AddressRange($0) != nil } ? .string(text) : nil
        case .addressList:
            Self.addresses(text).map { .string($0.map(\.description).joined(separator: ",")) }
        case .headerList: TracingSettings.headers(text).map { _ in .string(text) }
        case .choices(let choices):
            Self.entries(text.lowercased()).allSatisfy(choices.contains) ? .string(text.lowercased()) : nil
        case .aliases: ModelAliases(settingText: text).map { _ in .string(text) }
        case .engines: .string(text)  // read, with words for what is wrong, where all settings are
        }
    }

    /// Whether it may be a sequence in YAML.
    var isSequence: Bool {
        switch self {
        case .list, .words, .programs, .webhooks, .addressRanges, .addressList: true
        default: false
        }
    }

    /// Completes the sentence "the value is not …".
    package var expectation: String {
        switch self {
        case .nodeName: "a name of 1 to 64 characters from A-Z a-z 0-9 . _ -"
        case .path: "a path"
        case .host: "an IP address or host name"
        case .modelName: "a model's name"
        case .address: "an address such as http://127.0.0.1:11434"
        case .ollamaAddress: "an address such as http://127.0.0.1:11434 or desk:11434"
        case .choice(let choices): "one of " + choices.joined(separator: ", ")
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .byteCount(let range):
            "a size from \(Self.sizeText(range.lowerBound)) to \(Self.sizeText(range.upperBound)), such as 4MiB"
        case .token(let minimum): "\(minimum) or more printable ASCII characters without spaces"
        case .list: "a list of addresses separated by commas"
        case .words: "a program and its arguments separated by commas"
        case .programs: "a list of programs such as steam, without their folders, separated by commas"
        case .webhooks: "a list of URLs such as https://example.org/hook, separated by commas"
        case .requestRate: "a rate such as 60/min, 5/s, 1000/hour or 20000/day, or off"
        case .alertNumbers: "a list such as peer-down=30,disk=5e9 with the names that kith alerts shows"
        case .fingerprint: "a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons"
        case .boolean: "on or off"
        case .hostList: "a list of host names separated by commas"
        case .originList: "a list of origins such as https://app.example, separated by commas, or *"
        case .addressRanges: "a list of addresses such as 10.0.0.7 and ranges such as 10.0.0.0/8, separated by commas"
        case .addressList: "a list of addresses such as http://127.0.0.1:8001 or desk:8001, separated by commas"
        case .headerList: "a list of header fields such as authorization=Bearer%20KEY, separated by commas"
        case .choices(let choices): "one or more of " + choices.joined(separator: ", ") + ", separated by commas"
        case .engines:
            "a list of engines such as [\"ollama\", {\"kind\": \"openai\", \"address\": \"http://desk:8000/v1\"}]"
        case .aliases:
            "names other than auto with one or more models each, such as small=llama3.2|qwen3,big=gpt-oss:20b, "
                + "at most \(ModelAliases.countLimit) with \(ModelAliases.memberLimit) each"
        }
    }

    /// The entries between the commas, without white space around them.
    static func entries(_ text: String) -> [String] {
        text.split(separator: ",").compactMap { entry in
            guard let first = entry.firstIndex(where: { !$0.isWhitespace }),
                let last = entry.lastIndex(where: { !$0.isWhitespace })
            else { return nil }
            return String(entry[first...last])
        }
    }

    /// - Returns: `nil` when one of the entries is no address.
    private static func addresses(_ text: String) -> [HTTPAddress]? {
        let entries = entries(text)
        let addresses = entries.compactMap(httpAddress)
        return addresses.count == entries.count ? addresses : nil
    }

    /// AIOS's own files leave `http://` out, as in `aios-discovery:8001`. A name without a port is taken for a mistake.
    private static func httpAddress(_ entry: String) -> HTTPAddress? {
        if let address = HTTPAddress(entry) { return address }
        guard !entry.contains("://"), entry.contains(":"), !entry.hasSuffix("]") else { return nil }
        return HTTPAddress("http://" + entry)
    }

    private static func isHost(_ text: String) -> Bool {
        let isIPv6 = text.utf8.contains(UInt8(ascii: ":"))
        return HTTPAddress("http://" + (isIPv6 ? "[\(text)]" : text))?.host == text
    }

    private static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "on", "true", "yes", "1": true
        case "off", "false", "no", "0": false
        default: nil
        }
    }

    private static func bytes(_ text: String) -> Int? {
        for (suffix, factor) in [("kib", 1_024), ("mib", 1 << 20), ("gib", 1 << 30)]
        where text.lowercased().hasSuffix(suffix) {
            guard let count = Int(text.dropLast(suffix.count).filter { $0 != " " }) else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
        return Int(text)
    }

    private static func sizeText(_ bytes: Int) -> String {
        if bytes % (1 << 30) == 0 { return "\(bytes >> 30)GiB" }
        return bytes % (1 << 20) == 0 ? "\(bytes >> 20)MiB" : "\(bytes / 1_024)KiB"
    }

    private static func isToken(_ text: String, minimum: Int) -> Bool {
        (minimum...4_096).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
