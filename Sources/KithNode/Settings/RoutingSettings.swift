// SPDX-License-Identifier: Apache-2.0

package import KithInference
import KithModel

/// How prompts are routed.
package struct RoutingSettings: Hashable, Sendable {
    /// Whether another node goes on with an answer that breaks off.
    package var continues: Bool
    /// Whether that other node reads the answer while it is given, to be able to go on at once.
    package var keepsStandby: Bool
    /// How long may pass between two tokens before an answer counts as broken off.
    package var stallLimit: Duration
    /// The same for a request with tools: some engines write a call in silence.
    package var toolStallLimit: Duration
    /// Longest silence towards a client with an open stream.
    package var heartbeat: Duration
    /// How long a request waits for room while every queue is full.
    package var patience: Duration
    /// Whether a conversation goes back to the node that had it last.
    package var usesAffinity: Bool
    /// Percent of this machine's battery below which others are asked rather; 0 for never.
    package var sparesBatteryBelow: Int
    /// Whether models are kept in memory, and loaded before they are asked for.
    package var loadsAhead: Bool
    /// Names that stand for several models.
    package var aliases: ModelAliases

    package init(
        continues: Bool = true, keepsStandby: Bool = false, stallLimit: Duration = ChatRequest.ordinaryStallLimit,
        toolStallLimit: Duration = ChatRequest.ordinaryToolStallLimit, heartbeat: Duration = .seconds(5),
        patience: Duration = QueueWait.ordinary,
        usesAffinity: Bool = true, sparesBatteryBelow: Int = 50, loadsAhead: Bool = false,
        aliases: ModelAliases = ModelAliases()
    ) {
        self.continues = continues
        self.keepsStandby = keepsStandby
        self.stallLimit = stallLimit
        self.toolStallLimit = toolStallLimit
        self.heartbeat = heartbeat
        self.patience = patience
        self.usesAffinity = usesAffinity
        self.sparesBatteryBelow = sparesBatteryBelow
        self.loadsAhead = loadsAhead
        self.aliases = aliases
    }

    init(_ values: SettingValues) throws(SettingError) {
        self.init(
            continues: try values.required(.routingContinue, values.boolean(.routingContinue)),
            keepsStandby: try values.required(.routingStandby, values.boolean(.routingStandby)),
            stallLimit: .seconds(try values.required(.routingStallLimit, values.number(.routingStallLimit))),
            toolStallLimit: .seconds(
                try values.required(.routingToolStallLimit, values.number(.routingToolStallLimit))),
            heartbeat: .seconds(try values.required(.routingHeartbeat, values.number(.routingHeartbeat))),
            patience: .seconds(try values.required(.routingPatience, values.number(.routingPatience))),
            usesAffinity: try values.required(.routingAffinity, values.boolean(.routingAffinity)),
            sparesBatteryBelow: Int(try values.required(.routingSpareBattery, values.number(.routingSpareBattery))),
            loadsAhead: try values.required(.routingLoadAhead, values.boolean(.routingLoadAhead)),
            aliases: values.text(.routingAliases).flatMap(ModelAliases.init(settingText:)) ?? ModelAliases())
    }
}

extension ModelAliases {
    private static let nameLimit = 64
    private static let modelLimit = 256

    /// Reads `small=llama3.2|qwen3,big=gpt-oss:20b`.
    ///
    /// - Returns: `nil` for an alias without a model, a repeated alias, a name that is not valid, and too many.
    package init?(settingText text: String) {
        var defined: [ModelID: [ModelID]] = [:]
        for entry in SettingKind.entries(text) {
            guard let sign = entry.firstIndex(of: "=") else { return nil }
            let name = Self.trimmed(entry[..<sign])
            let models = entry[entry.index(after: sign)...].split(separator: "|", omittingEmptySubsequences: false)
                .map(Self.trimmed)
            guard Self.isAlias(name), models.allSatisfy(Self.isModel), models.count <= Self.memberLimit,
                defined.updateValue(models.map { ModelID($0) }, forKey: ModelID(name)) == nil,
                defined.count <= Self.countLimit
            else { return nil }
        }
        self.init(defined)
    }

    private static func trimmed(_ text: Substring) -> String { SettingKind.entries(String(text)).first ?? "" }

    private static func isAlias(_ text: String) -> Bool {
        (1...nameLimit).contains(text.utf8.count) && text != automatic.rawValue
            && text.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || ".:_-/0123456789".unicodeScalars.contains($0))
            }
    }

    private static func isModel(_ text: String) -> Bool {
        (1...modelLimit).contains(text.utf8.count)
            && !text.unicodeScalars.contains {
                $0.value < 0x20 || $0.value == 0x7F || ",|=".unicodeScalars.contains($0)
            }
    }
}
