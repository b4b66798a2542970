// SPDX-License-Identifier: Apache-2.0

package import KithCulture
import KithModel

/// A node's company: what is talked about with whom, and what is kept of it.
package struct Company: Sendable {
    package let culture: StoredCulture
    package let service: CompanionService
    package let host: CompanionHost
    package let activity: UserActivity
    package let memory: StoredPrivateMemory
    /// Whether the culture is offered to engines that answer the user.
    package let offersCulture: Bool

    package init(
        culture: StoredCulture, service: CompanionService, host: CompanionHost, activity: UserActivity,
        memory: StoredPrivateMemory, offersCulture: Bool
    ) {
        self.culture = culture
        self.service = service
        self.host = host
        self.activity = activity
        self.memory = memory
        self.offersCulture = offersCulture
    }

    /// The few insights that have to do with what a user asks; none when they cannot be read.
    func offer(for prompt: String) async -> [Insight] {
        guard offersCulture else { return [] }
        return (try? await culture.relevant(to: prompt, limit: CompanionPrompts.insightLimit)) ?? []
    }

    /// Runs until cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await culture.run() }
            group.addTask { await service.run() }
        }
    }
}
