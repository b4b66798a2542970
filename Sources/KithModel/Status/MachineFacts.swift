// SPDX-License-Identifier: Apache-2.0

/// What a machine has left for models, and what it draws its power from, as it was measured last. What is not known is missing.
package struct MachineFacts: Codable, Hashable, Sendable {
    /// One kind of memory, in bytes; `free` is never more than `total`, whatever another machine says.
    package struct Memory: Codable, Hashable, Sendable {
        package let total: Int
        /// For whoever asks for it, with what the system gives up for that.
        package let free: Int

        package init(total: Int, free: Int) {
            self.total = max(0, total)
            self.free = min(max(0, free), self.total)
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                total: try container.decode(Int.self, forKey: .total),
                free: try container.decode(Int.self, forKey: .free))
        }

        private enum CodingKeys: String, CodingKey { case total, free }

        /// Of several together.
        package static func sum(_ parts: [Memory]) -> Memory? {
            guard !parts.isEmpty else { return nil }
            return Memory(
                total: parts.reduce(0) { $0.saturatingAdding($1.total) },
                free: parts.reduce(0) { $0.saturatingAdding($1.free) })
        }
    }

    /// A battery that the machine itself runs on when nothing else feeds it.
    package struct Battery: Codable, Hashable, Sendable {
        /// Whether the machine runs on it now.
        package let isInUse: Bool
        /// Of its charge, from 0 to 100; `nil` when unknown.
        package let percent: Int?

        package init(isInUse: Bool, percent: Int?) {
            self.isInUse = isInUse
            self.percent = percent.map { min(max(0, $0), 100) }
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                isInUse: try container.decode(Bool.self, forKey: .isInUse),
                percent: try container.decodeIfPresent(Int.self, forKey: .percent))
        }

        private enum CodingKeys: String, CodingKey { case isInUse, percent }
    }

    package var memory: Memory?
    /// Of the graphics cards together; missing where there are none, and where they share the memory of the machine.
    package var accelerator: Memory?
    /// Missing on a machine without one.
    package var battery: Battery?
    /// Missing on a machine without a lid, and where that is not known.
    package var isLidClosed: Bool?
    /// Whether prompts are to leave it in peace where others answer about as soon; missing where they are not.
    package var sparesBattery: Bool?

    package init(
        memory: Memory? = nil, accelerator: Memory? = nil, battery: Battery? = nil, isLidClosed: Bool? = nil
    ) {
        self.memory = memory
        self.accelerator = accelerator
        self.battery = battery
        self.isLidClosed = isLidClosed
    }

    // MARK: Room

    /// Bytes of memory that a model takes: its weights, and a fifth more for the conversation and what the engine computes with.
    package static func need(ofWeights bytes: Int) -> Int { bytes.saturatingAdding(bytes / 5) }

    /// Bytes that are missing to load a model of that size; `nil` where it has room, or nobody knows. Engines put what the
    /// graphics cards cannot hold into the machine's memory.
    package func missing(forWeights bytes: Int) -> Int? {
        guard let memory else { return nil }
        let free = memory.free.saturatingAdding(accelerator?.free ?? 0)
        let need = Self.need(ofWeights: bytes)
        return need > free ? need - free : nil
    }

    // MARK: Power

    /// Notes whether the battery is to be spared: it is in use, and low, or the lid is closed, as in a bag.
    ///
    /// - Parameter percent: Below this it is low; 0 for never.
    package func sparing(below percent: Int) -> MachineFacts {
        var facts = self
        let isLow = battery.map { $0.isInUse && (isLidClosed == true || ($0.percent ?? 0) < percent) } ?? false
        facts.sparesBattery = isLow && percent > 0 ? true : nil
        return facts
    }

    /// Whether others have to be told: free memory that moves a little is no news, nor is a percent of the battery.
    package func isNews(after last: MachineFacts) -> Bool {
        if sparesBattery != last.sparesBattery || isLidClosed != last.isLidClosed { return true }
        if battery?.isInUse != last.battery?.isInUse { return true }
        if Self.differs(battery?.percent, last.battery?.percent, by: Self.percentStep) { return true }
        return Self.differs(memory, last.memory) || Self.differs(accelerator, last.accelerator)
    }

    private static let percentStep = 5
    /// A change of free memory by this share of all is told.
    private static let shareTold = 32

    private static func differs(_ left: Memory?, _ right: Memory?) -> Bool {
        if left?.total != right?.total { return true }
        return differs(left?.free, right?.free, by: max(1, (left?.total ?? 0) / shareTold))
    }

    private static func differs(_ left: Int?, _ right: Int?, by step: Int) -> Bool {
        guard let left, let right else { return left != right }
        return abs(left - right) >= step
    }
}
