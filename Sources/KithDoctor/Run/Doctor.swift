// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithNode
import KithTransport

/// Looks at a node and what is around it, or at services of the seeds by their URLs, and says what is wrong and what
/// mends it. Changes nothing.
package struct Doctor: Sendable {
    /// For all diagnoses together; what is not found out by then is reported as such.
    package static let limit = Duration.seconds(20)

    private let clock: any TimeSource

    package init(clock: any TimeSource = MonotonicClock()) { self.clock = clock }

    /// Examines the node whose settings these are, whether it runs or not.
    ///
    /// - Throws: ``SettingProblem`` when not even the defaults can be used here.
    package func examine(
        flags: [SettingKey: String], environment: [String: String]
    ) async throws(SettingProblem) -> DoctorReport {
        let start = clock.now
        let node = try await Anamnesis.gather(flags: flags, environment: environment)
        let client = UpstreamClient()
        let plan = NodePlan(node: node, client: client, clock: clock)
        let sections = await DiagnosisRun(limit: Self.limit - (clock.now - start), clock: clock).run(plan.chapters)
        await client.shutDown()
        return DoctorReport(
            subject: DoctorReport.Subject(
                name: node.name, dataDirectory: node.folder, isRunning: node.isRunning, version: KithVersion.text),
            sections: sections, duration: clock.now - start)
    }

    /// Examines services of the seeds; no node is needed here or there.
    ///
    /// - Parameter key: Sent to each of them.
    package func examine(_ services: [HTTPAddress], key: Secret?) async -> DoctorReport {
        let start = clock.now
        let client = UpstreamClient()
        let chapters = services.map { url in
            let diagnosis = EndpointDiagnosis(url, key: key, severity: .error, client: client, clock: clock)
            return DiagnosisRun.Chapter(diagnosis.title, [diagnosis])
        }
        let sections = await DiagnosisRun(limit: Self.limit, clock: clock).run(chapters)
        await client.shutDown()
        return DoctorReport(
            subject: DoctorReport.Subject(version: KithVersion.text), sections: sections, duration: clock.now - start)
    }
}
