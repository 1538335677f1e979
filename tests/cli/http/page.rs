//! The page in a browser.

use super::{Web, browser::Browser};
use crate::{program::Place, sweeps::long};

/// Nothing is wider than the window.
const FITS: &str = "document.documentElement.scrollWidth <= innerWidth";

#[test]
fn the_page_shows_a_running_job_and_follows_it_to_its_end() {
    let Some(mut browser) = Browser::start() else { return };
    let place = Place::new();
    long(&place);
    // As long as somebody looks at it.
    place.write("sweep.yaml", &place.read("sweep.yaml").replace("bars: 6000", "bars: 60000"));
    let web = Web::start(&place, "running_max: 1\n");
    browser.look(1280, 900, "light");
    let link = place.succeed(&["page", "--state", "state"]).stdout;
    browser.open(link.trim());
    browser.until("document.querySelector('#link').textContent === 'live'");
    assert_eq!(browser.value("location.hash"), "", "the link is not kept");
    browser.until("document.querySelector('#running').innerText.includes('Nothing runs')");
    browser.until("document.querySelectorAll('.tile').length === 6");
    browser.picture("page-empty.png");
    for _ in 0..2 {
        let body = "{\"file\":\"sweep.yaml\",\"name\":\"<b>pairs</b>\",\"priority\":\"high\"}";
        web.json("POST", "/v1/jobs", body, 201);
    }
    browser.until("document.querySelector('.job[data-job=\"1\"]') !== null");
    browser.until("document.querySelector('#queue').innerText.includes('queued')");
    browser.until("parseFloat(document.querySelector('.job em').textContent) > 0");
    let done = "document.querySelector('.job .figures').innerText";
    let before = browser.value(done);
    browser.until(&format!("document.querySelector('.job') && {done} !== {before}"));
    assert_eq!(
        browser.value("document.querySelectorAll('b > b, #room h3 > b > *').length"),
        0,
        "names are no markup"
    );
    browser.until("document.querySelector('.top tbody tr') !== null");
    browser.until("document.querySelector('#log').textContent.includes('start 1')");
    browser.until("document.querySelector('#chart path.all').getAttribute('d').includes('L')");
    for (name, width, scheme) in [
        ("page-wide-light.png", 1280, "light"),
        ("page-wide-dark.png", 1280, "dark"),
        ("page-phone-light.png", 390, "light"),
        ("page-phone-dark.png", 390, "dark"),
    ] {
        browser.look(width, 900, scheme);
        browser.until("true");
        browser.until(FITS);
        browser.picture(name);
    }
    web.json("POST", "/v1/jobs/1/cancel", "", 200);
    browser.until("document.querySelector('#ended').innerText.includes('cancelled')");
    browser.until("document.querySelector('.job[data-job=\"2\"]') !== null");
    web.json("POST", "/v1/jobs/2/pause", "", 200);
    browser.until("document.querySelector('#queue').innerText.includes('paused by its owner')");
    assert!(browser.faults.is_empty(), "{:?}", browser.faults);
    let own = format!("http://{}/", web.address);
    assert!(
        browser.loaded.iter().all(|url| url.starts_with(&own) || url == "about:blank"),
        "{:?}",
        browser.loaded
    );
    assert_eq!(web.end(), Some(0));
    browser.until("['server ends', 'no connection', 'reconnecting'].includes(document.querySelector('#link').textContent)");
}

#[test]
fn the_page_asks_for_the_token_and_goes_on_after_the_server_was_away() {
    let Some(mut browser) = Browser::start() else { return };
    let place = Place::new();
    let web = Web::start(&place, "");
    let url = format!("http://{}/", web.address);
    browser.look(390, 844, "light");
    browser.open(&url);
    browser.until(
        "document.querySelector('#sign-in').hidden === false && document.querySelector('#room').hidden",
    );
    browser.until(FITS);
    browser.picture("page-sign-in.png");
    let submit = |token: &str| {
        format!(
            "document.querySelector('#token').value = '{token}'; document.querySelector('#token-form button').click(), true"
        )
    };
    browser.value(&submit("wrong"));
    browser.until("document.querySelector('#refused').textContent.includes('token is wrong')");
    let token = web.token.clone();
    browser.value(&submit(&token));
    browser.until("document.querySelector('#link').textContent === 'live'");
    assert_eq!(
        browser.value("JSON.stringify(localStorage)").as_str().map(|kept| kept.contains(&token)),
        Some(false)
    );
    browser.open(&url);
    browser.until("document.querySelector('#link').textContent === 'live'");
    let address = web.address;
    drop(web);
    browser.until("document.querySelector('#link').textContent === 'no connection'");
    place.write("again.yaml", &format!("state: state\nhttp: {{listen: \"{address}\"}}\n"));
    let mut again = place.command(&["serve", "again.yaml"]).spawn().expect("it starts");
    browser.until("document.querySelector('#link').textContent === 'live'");
    again.kill().expect("it is killed");
    again.wait().expect("it ends");
}
