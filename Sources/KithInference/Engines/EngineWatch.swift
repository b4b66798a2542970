// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// When an engine is probed, and what is known of it: a pure value.
///
/// An engine that answers requests is not probed as well: an idle node sends next to nothing, and a provider that
/// charges for requests gets hardly any.
package struct EngineWatch: Sendable {
    package enum Cadence: Hashable, Sendable { case local, remote }

    package struct Look: Hashable, Sendable {
        package var at: MonotonicInstant
        /// Whether its models are read too.
        package var readsModels: Bool
    }

    /// Between two probes of an engine that is ready.
    package static let pause = Duration.seconds(10)
    package static let remotePause = Duration.seconds(600)
    /// Between two readings of a local engine's list of models.
    package static let listPause = Duration.seconds(60)
    package static let pauseWhileLoading = Duration.milliseconds(250)
    package static let pauseWhileDown = Duration.seconds(1)
    /// A provider that is down is probed less and less often.
    /// Models in memory that are remembered; no machine holds more.
    private static let residentLimit = 256
    private static let remotePauseWhileDown = Backoff(initial: pauseWhileDown, maximum: .seconds(60))
    /// Between two probes that were asked for.
    package static let askedPause = Duration.seconds(1)

    private let cadence: Cadence
    package private(set) var health = EngineHealth.loading
    /// While it is down, the models that it had.
    package private(set) var models: [ModelInfo] = []
    /// Which of them are in memory; `nil` where it does not say.
    package private(set) var resident: [ModelID]?
    /// Whether it has said at least once what it offers.
    package private(set) var isListKnown = false
    private var lookedAt: MonotonicInstant?
    private var listReadAt: MonotonicInstant?
    private var aliveAt: MonotonicInstant?
    private var isAsked = false
    private var wantsModels = false
    /// The probe under way reads the models too.
    private var isReading = false
    private var looksWhileDown = 0

    package init(cadence: Cadence) { self.cadence = cadence }

    // MARK: Events

    /// A request failed, perhaps because of the engine.
    package mutating func noteFailure() {
        isAsked = true
        aliveAt = nil
    }

    /// A request names a model that is not known here, or the engine does not know one that it listed.
    package mutating func noteUnknownModel() { (isAsked, wantsModels) = (true, true) }

    /// The engine answered a request.
    ///
    /// - Returns: Whether it was thought to be down until now.
    package mutating func noteSuccess(now: MonotonicInstant) -> Bool {
        aliveAt = now
        guard case .down = health else { return false }
        (health, looksWhileDown) = (.ready, 0)
        if !isListKnown { (isAsked, wantsModels) = (true, true) }
        return true
    }

    /// A model answered.
    ///
    /// - Returns: Whether it had to be loaded for that. Others may have gone from memory then: the engine is probed soon.
    package mutating func noteAnswer(by model: ModelID) -> Bool {
        guard resident?.contains(model) == false, models.contains(where: { $0.id == model }) else { return false }
        resident?.append(model)
        isAsked = true
        return true
    }

    /// The result of a probe.
    ///
    /// - Parameters:
    ///   - models: `nil` when they were not read.
    ///   - resident: As ``resident``.
    /// - Returns: Whether the engine is back: it was down and is ready.
    package mutating func found(
        _ health: EngineHealth, models: [ModelInfo]?, resident: [ModelID]? = nil, now: MonotonicInstant
    ) -> Bool {
        let wasDown = if case .down = self.health { true } else { false }
        lookedAt = now
        self.health = health
        let known = Set((models ?? self.models).map(\.id))
        self.resident = resident.map { Array($0.lazy.filter(known.contains).prefix(Self.residentLimit)) }
        if case .down = health { looksWhileDown = min(looksWhileDown + 1, 16) } else { looksWhileDown = 0 }
        if let models {
            (self.models, listReadAt, isListKnown) = (models, now, true)
        } else if isReading {
            wantsModels = true
        }
        isReading = false
        return wasDown && health == .ready
    }

    /// A probe begins: what is asked for from now on is for the next one.
    package mutating func began(_ look: Look) {
        isAsked = false
        isReading = look.readsModels
        if isReading { wantsModels = false }
    }

    // MARK: Queries

    package func next(now: MonotonicInstant) -> Look {
        guard let lookedAt else { return Look(at: now, readsModels: true) }
        let readsList = wantsModels || !isListKnown
        var at = lookedAt + pauseForHealth
        if health == .ready {
            if cadence == .local, let aliveAt { at = max(at, aliveAt + Self.pause) }
            if readsList { at = min(at, lookedAt + Self.askedPause) }
            if let listReadAt { at = min(at, max(lookedAt + Self.askedPause, listReadAt + listPause)) }
        }
        if isAsked { at = min(at, lookedAt + Self.askedPause) }
        at = max(at, now)
        return Look(at: at, readsModels: readsList || listReadAt.map { at - $0 >= listPause } ?? true)
    }

    private var listPause: Duration { cadence == .local ? Self.listPause : Self.remotePause }

    private var pauseForHealth: Duration {
        switch (health, cadence) {
        case (.loading, _): Self.pauseWhileLoading
        case (.ready, .local): Self.pause
        case (.ready, .remote): Self.remotePause
        case (.down, .local): Self.pauseWhileDown
        case (.down, .remote): Self.remotePauseWhileDown.step(after: looksWhileDown - 1)
        }
    }
}
