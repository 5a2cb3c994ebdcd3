//! The page `docs/state-machines.md` shows the transition functions as they are: its tables are made here, from the
//! code, and compared.

use std::fmt::Write;

use money::Msat;
use payments::deposit::DepositState;
use payments::invoice::InvoiceState;
use payments::onchain::OnchainDepositState;
use payments::suspense::SuspenseState;
use payments::withdrawal::{WithdrawalFailure, WithdrawalState};
use payments::{deposit, invoice, onchain, suspense, webhook, withdrawal};

const PAGE: &str = include_str!("../../../docs/state-machines.md");

/// A table of Markdown: a row for each state, a column for each input.
fn table(inputs: &[&str], rows: &[(&str, Vec<String>)]) -> String {
    let mut text = format!("| state | {} |\n", inputs.join(" | "));
    text.push_str(&format!("| --- |{}\n", " --- |".repeat(inputs.len())));
    for (state, cells) in rows {
        writeln!(text, "| {state} | {} |", cells.join(" | ")).expect("text takes text");
    }
    text
}

fn withdrawals() -> String {
    use withdrawal::{Input, Transition};
    let inputs = [
        Input::Approve,
        Input::Reject,
        Input::Dispatch,
        Input::Requeue,
        Input::ComeBack,
        Input::Settle {
            preimage: None,
            fee_msat: Msat::ZERO,
        },
        Input::Fail(WithdrawalFailure::NoRoute),
        Input::GiveUp(WithdrawalFailure::NoRoute),
    ];
    // A new input does not compile until it stands here, and in the list above.
    let name = |input: &Input| match input {
        Input::Approve => "approve",
        Input::Reject => "reject",
        Input::Dispatch => "dispatch",
        Input::Requeue => "requeue",
        Input::ComeBack => "come back",
        Input::Settle { .. } => "settle",
        Input::Fail(_) => "fail",
        Input::GiveUp(_) => "give up",
    };
    let cell = |state, input| match withdrawal::state::transition(state, input) {
        Transition::To(state) => format!("**{}**", state.name()),
        Transition::AlreadyApplied => "nothing".to_owned(),
        Transition::Contradiction => "contradiction".to_owned(),
        Transition::Refused => "refused".to_owned(),
    };
    let row = |state: WithdrawalState| {
        let cells = inputs.iter().map(|input| cell(state, input)).collect();
        (state.name(), cells)
    };
    table(&inputs.each_ref().map(name), &WithdrawalState::ALL.map(row))
}

fn invoices() -> String {
    use invoice::state::{Input, Transition, transition};
    let cell = |state, input| match transition(state, input) {
        Transition::To(state) => format!("**{}**", state.name()),
        Transition::Suspense => "suspense".to_owned(),
        Transition::AlreadyApplied => "nothing".to_owned(),
        Transition::Refused => "refused".to_owned(),
    };
    let row = |state: InvoiceState| {
        let cells = Input::ALL.iter().map(|input| cell(state, *input)).collect();
        (state.name(), cells)
    };
    table(&Input::ALL.map(Input::name), &InvoiceState::ALL.map(row))
}

fn deposits() -> String {
    use deposit::state::{Input, Transition, transition};
    let cell = |earlier, input| match transition(earlier, input) {
        Transition::Write(state) => format!("**{}**", state.name()),
        Transition::AlreadyApplied => "nothing".to_owned(),
        Transition::Refused => "refused".to_owned(),
    };
    let row = |earlier: Option<DepositState>| {
        let cells = Input::ALL
            .iter()
            .map(|input| cell(earlier, *input))
            .collect();
        (earlier.map_or("none", DepositState::name), cells)
    };
    let [settled, failed] = DepositState::ALL.map(Some);
    table(
        &Input::ALL.map(Input::name),
        &[None, settled, failed].map(row),
    )
}

fn onchain_deposits() -> String {
    use onchain::state::{Input, Transition, transition};
    let cell = |state, input| match transition(state, input) {
        Transition::To(state) => format!("**{}**", state.name()),
        Transition::Unchanged => "nothing".to_owned(),
    };
    let row = |state: Option<OnchainDepositState>| {
        let cells = Input::ALL.iter().map(|input| cell(state, *input)).collect();
        (state.map_or("none", OnchainDepositState::name), cells)
    };
    let [pending, settled, disputed, failed] = OnchainDepositState::ALL.map(Some);
    table(
        &Input::ALL.map(Input::name),
        &[None, pending, settled, disputed, failed].map(row),
    )
}

fn suspended() -> String {
    let row = |state: SuspenseState| {
        let cell = match suspense::assign(state) {
            suspense::Transition::To(state) => format!("**{}**", state.name()),
            suspense::Transition::Refused => "refused".to_owned(),
        };
        (state.name(), vec![cell])
    };
    table(&["assign"], &SuspenseState::ALL.map(row))
}

fn deliveries() -> String {
    use webhook::DeliveryState;
    use webhook::delivery::{DeliveryInput, transition};
    let cell = |state, input| match transition(state, input) {
        Some(state) => format!("**{}**", state.name()),
        None => "nothing".to_owned(),
    };
    let row = |state: DeliveryState| {
        let cells = DeliveryInput::ALL
            .iter()
            .map(|(input, _)| cell(state, *input));
        (state.name(), cells.collect())
    };
    table(
        &DeliveryInput::ALL.map(|(_, name)| name),
        &DeliveryState::ALL.map(row),
    )
}

#[test]
fn the_page_shows_every_machine_as_it_is() {
    for (name, table) in [
        ("withdrawal", withdrawals()),
        ("invoice", invoices()),
        ("deposit", deposits()),
        ("on-chain deposit", onchain_deposits()),
        ("suspended money", suspended()),
        ("webhook delivery", deliveries()),
    ] {
        assert!(
            PAGE.contains(&table),
            "docs/state-machines.md does not hold the table of a {name}:\n\n{table}"
        );
    }
}
