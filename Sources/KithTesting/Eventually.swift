// SPDX-License-Identifier: Apache-2.0

/// Waits until a condition holds.
///
/// - Returns: Whether it came to hold within twenty seconds.
package func eventually(_ isSo: () async throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(20)
    while !(try await isSo()) {
        guard ContinuousClock.now < deadline else { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}
