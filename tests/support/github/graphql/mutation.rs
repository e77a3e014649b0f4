//! Mutations. They are carried out first, then answered from what is there afterwards.

use std::cell::RefCell;

use apollo_compiler::executable::{Operation, OperationType};
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::Value;

use super::super::state::State;
use super::super::token::Token;
use super::View;
use super::object::Object;

/// What a mutation did, or why not.
pub type Written = Result<Option<u64>, (&'static str, String)>;

/// Collects what a mutation asks for, without doing it.
struct Collector(RefCell<Vec<(String, Value)>>);

impl ObjectValue for Collector {
    fn type_name(&self) -> &str {
        "Mutation"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let input =
            info.arguments().get("input").map(|input| serde_json::to_value(input).expect("an input is JSON")).unwrap_or_default();
        self.0.borrow_mut().push((info.field_name().to_owned(), input));
        Ok(ResolvedValue::null())
    }
}

/// Carries out a mutation; `None` for a query.
pub fn carry_out(execution: &Execution<'_>, operation: &Operation, state: &mut State, token: &Token) -> Option<Vec<Written>> {
    if operation.operation_type != OperationType::Mutation {
        return None;
    }
    let collector = Collector(RefCell::default());
    let _ = execution.execute_sync(&collector);
    let wanted = collector.0.into_inner();
    Some(wanted.into_iter().map(|(name, input)| super::super::write::graphql::apply(state, token, &name, &input)).collect())
}

/// Answers with what is there now, in the order that was asked for.
pub fn payloads<'a>(view: &'a View<'a>, written: Vec<Written>) -> Object<'a> {
    let next = RefCell::new(written.into_iter());
    Object::new(view, "Mutation", move |field, _| {
        let id = match next.borrow_mut().next() {
            Some(Ok(id)) => id,
            Some(Err((kind, message))) => return Err(super::object::error(kind, &message)),
            None => return super::object::null(),
        };
        let kind = match field {
            "createBranchProtectionRule" => "CreateBranchProtectionRulePayload",
            "updateBranchProtectionRule" => "UpdateBranchProtectionRulePayload",
            _ => "DeleteBranchProtectionRulePayload",
        };
        Object::new(view, kind, move |field, _| match field {
            "branchProtectionRule" => {
                let all = view.state.repositories.values();
                let found = all.flat_map(|repository| repository.protections.iter().map(move |rule| (repository, rule)));
                let found = found.into_iter().find(|(_, rule)| Some(rule.id) == id);
                super::root::optional(found, |(repository, rule)| super::protection::protection(view, repository, rule))
            }
            _ => super::object::null(),
        })
        .value()
    })
}
