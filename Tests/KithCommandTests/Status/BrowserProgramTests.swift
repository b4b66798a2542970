// SPDX-License-Identifier: Apache-2.0

import KithCommand
import Testing

@Suite("The program that opens a browser")
struct BrowserProgramTests {
    @Test("There is one where there is a screen, and none elsewhere")
    func screens() {
        #if os(Linux)
            #expect(BrowserProgram.choose(environment: ["DISPLAY": ":0"]) == "xdg-open")
            #expect(BrowserProgram.choose(environment: ["WAYLAND_DISPLAY": "wayland-0"]) == "xdg-open")
            #expect(BrowserProgram.choose(environment: ["DISPLAY": ""]) == nil)
            #expect(BrowserProgram.choose(environment: [:]) == nil)
        #else
            #expect(BrowserProgram.choose(environment: [:]) == "open")
            #expect(BrowserProgram.choose(environment: ["SSH_CONNECTION": "1"]) == nil)
        #endif
    }
}
