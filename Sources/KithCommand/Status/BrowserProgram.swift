// SPDX-License-Identifier: Apache-2.0

/// The program that opens an address in the person's browser.
package enum BrowserProgram {
    /// - Returns: `nil` where there is no screen to open one on.
    package static func choose(environment: [String: String]) -> String? {
        #if os(macOS)
            return environment["SSH_CONNECTION"] == nil ? "open" : nil
        #else
            let screens = ["DISPLAY", "WAYLAND_DISPLAY"].compactMap { environment[$0] }
            return screens.contains { !$0.isEmpty } ? "xdg-open" : nil
        #endif
    }
}
