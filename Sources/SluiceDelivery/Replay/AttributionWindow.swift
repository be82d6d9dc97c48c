import SluiceCore

/// How far back a platform looks for the ad that led to a sale: an older event is taken, but changes
/// nothing there any more.
package enum AttributionWindow {
    /// Days, where the platform's documentation names one; nil where it does not.
    ///
    /// VTEX Ads counts product clicks and views for 14 days. What Topsort, GoWit, Kevel and impact.com
    /// count depends on the account, and none of them documents a bound for all.
    package static func days(of platform: Platform) -> Int? {
        switch platform {
        case .vtex: 14
        case .native, .topsort, .gowit, .kevel, .impact, .webhook: nil
        }
    }
}
