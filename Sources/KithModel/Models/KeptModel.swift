// SPDX-License-Identifier: Apache-2.0

/// A model as its engine keeps it: what it takes on the disk, and in memory while it is loaded.
package struct KeptModel: Hashable, Sendable {
    package var id: ModelID
    package var residency: Residency
    /// Whether the owner named it for requests that name none.
    package var isPreferred = false
    /// Bytes of its weights; `nil` when unknown.
    package var bytes: Int?
    /// Bytes of memory that it takes while it is loaded, those of the accelerator among them; `nil` when unknown.
    package var memory: Int?
    /// Bytes of the accelerator's memory that it takes; `nil` when unknown.
    package var acceleratorMemory: Int?
    /// Until when it stays loaded; `nil` when it is not loaded, or when nobody knows.
    package var stays: Stay?
    /// What its weights and settings are, as a digest in the engine's words.
    package var digest: String?
    /// When it came, or changed last.
    package var changed: WallTime?
    /// Such as `llama`.
    package var family: String?
    /// Such as `3.2B`.
    package var parameters: String?
    /// Such as `Q4_K_M`.
    package var quantization: String?

    package init(id: ModelID, residency: Residency, bytes: Int? = nil) {
        self.id = id
        self.residency = residency
        self.bytes = bytes
    }

    /// How long a model stays loaded without being asked.
    package enum Stay: Hashable, Sendable {
        /// Until somebody unloads it.
        case always
        case until(WallTime)
    }
}

/// Where the weights of a model are.
package enum Residency: String, Sendable, Codable, CaseIterable {
    /// In memory: the next prompt need not wait for it.
    case loaded
    /// On their way from the disk into memory.
    case loading
    case onDisk = "on_disk"
    /// At a provider, to which its engine sends prompts.
    case elsewhere
    /// The engine does not say.
    case unknown
}

/// The names under which a model may be pulled, or kept a second time.
package enum ModelName {
    /// Bytes.
    package static let longest = 256

    /// Whether an engine may be asked for a model of this name that it does not have yet: letters, digits and `. _ - : / @ +`, as in
    /// `hf.co/owner/model:Q4_K_M`, and nothing that a path or an address would take for something else.
    package static func isPullable(_ name: String) -> Bool {
        let bytes = name.utf8
        guard (1...longest).contains(bytes.count), bytes.allSatisfy(isAllowed), let first = bytes.first,
            isLetterOrDigit(first), bytes.last.map(isLetterOrDigit) == true
        else { return false }
        return !name.contains("//") && !name.contains("..")
    }

    /// Whether a text may be the name of a model that an engine lists.
    package static func isListable(_ name: String) -> Bool { (1...longest).contains(name.utf8.count) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || "._-:/@+".utf8.contains(byte)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
