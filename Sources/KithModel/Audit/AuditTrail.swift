// SPDX-License-Identifier: Apache-2.0

/// Where refusals and changes of trust are written down. Safe to call from any task or event loop; returns at once.
///
/// The same kind, source and reason within a minute are one line with a count, so that a flood cannot fill the trail.
package protocol AuditTrail: Sendable {
    func record(_ kind: AuditRecord.Kind, subject: String?, source: String?, reason: String)
}
