//! From the text of a condition to its tree.

use std::fmt;

use super::{Comparison, ConditionError, Node, Value};

/// Reads a whole condition.
pub(super) fn condition(text: &str) -> Result<Node, ConditionError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let root = parser.any(0)?;
    match parser.peek() {
        (_, Token::End) => Ok(root),
        _ => Err(parser.fault("an operator or the end")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Word(String),
    Compare(Comparison),
    Sign(char),
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "`{number}`"),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Word(word) => write!(f, "`{word}`"),
            Self::Compare(_) => f.write_str("a comparison"),
            Self::Sign(sign) => write!(f, "`{sign}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// Tokens with their 1-based columns.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ConditionError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let column = start + 1;
        let char = chars[at];
        at += 1;
        let run = |at: &mut usize, more: &dyn Fn(usize) -> bool| {
            while *at < chars.len() && more(*at) {
                *at += 1;
            }
            chars[start..*at].iter().collect::<String>()
        };
        let token = match char {
            _ if char.is_whitespace() => continue,
            '0'..='9' | '.' => {
                let digits = run(&mut at, &|at| {
                    let exponent = matches!(chars[at - 1], 'e' | 'E');
                    chars[at].is_ascii_digit()
                        || matches!(chars[at], '.' | 'e' | 'E')
                        || (exponent && matches!(chars[at], '+' | '-'))
                });
                match digits.parse() {
                    Ok(number) => Token::Number(number),
                    Err(_) => {
                        return Err(ConditionError::Syntax { column, expected: "a number", found: digits });
                    }
                }
            }
            '\'' | '"' => {
                let Some(len) = chars[at..].iter().position(|other| *other == char) else {
                    let found = chars[start..].iter().collect();
                    return Err(ConditionError::Syntax { column, expected: "a closing quote", found });
                };
                let text = chars[at..at + len].iter().collect();
                at += len + 1;
                Token::Text(text)
            }
            _ if char.is_alphabetic() || char == '_' => {
                Token::Word(run(&mut at, &|at| chars[at].is_alphanumeric() || chars[at] == '_'))
            }
            '<' | '>' | '=' | '!' => {
                let equal = chars.get(at) == Some(&'=');
                at += usize::from(equal);
                Token::Compare(match (char, equal) {
                    ('<', false) => Comparison::Less,
                    ('<', true) => Comparison::LessOrEqual,
                    ('>', false) => Comparison::Greater,
                    ('>', true) => Comparison::GreaterOrEqual,
                    ('=', true) => Comparison::Equal,
                    ('!', true) => Comparison::Unequal,
                    _ => {
                        let expected = "one of < <= > >= == !=";
                        return Err(ConditionError::Syntax { column, expected, found: format!("`{char}`") });
                    }
                })
            }
            '+' | '-' | '*' | '/' | '%' | '(' | ')' => Token::Sign(char),
            _ => {
                let expected = "a parameter, a number, a text or an operator";
                return Err(ConditionError::Syntax { column, expected, found: format!("`{char}`") });
            }
        };
        tokens.push((column, token));
    }
    tokens.push((chars.len() + 1, Token::End));
    Ok(tokens)
}

/// Parentheses, signs and negations within each other at most.
const DEPTH_MAX: usize = 64;

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &(usize, Token) {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn fault(&self, expected: &'static str) -> ConditionError {
        let (column, token) = self.peek();
        ConditionError::Syntax { column: *column, expected, found: token.to_string() }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), (_, Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn take_sign(&mut self, signs: &[char]) -> Option<char> {
        match self.peek() {
            (_, Token::Sign(sign)) if signs.contains(sign) => {
                let sign = *sign;
                self.at += 1;
                Some(sign)
            }
            _ => None,
        }
    }

    fn any(&mut self, depth: usize) -> Result<Node, ConditionError> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Node::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Node, ConditionError> {
        let mut parts = vec![self.negation(depth)?];
        while self.take_word("and") {
            parts.push(self.negation(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Node::All(parts) })
    }

    fn negation(&mut self, depth: usize) -> Result<Node, ConditionError> {
        if depth > DEPTH_MAX {
            return Err(self.fault("fewer levels"));
        }
        if self.take_word("not") {
            return Ok(Node::Not(Box::new(self.negation(depth + 1)?)));
        }
        let first = self.sum(depth)?;
        let mut rest = Vec::new();
        while let (_, Token::Compare(comparison)) = self.peek() {
            let comparison = *comparison;
            self.at += 1;
            rest.push((comparison, self.sum(depth)?));
        }
        Ok(if rest.is_empty() { first } else { Node::Chain(Box::new(first), rest) })
    }

    fn sum(&mut self, depth: usize) -> Result<Node, ConditionError> {
        let mut left = self.product(depth)?;
        while let Some(sign) = self.take_sign(&['+', '-']) {
            left = Node::Arithmetic(sign, Box::new(left), Box::new(self.product(depth)?));
        }
        Ok(left)
    }

    fn product(&mut self, depth: usize) -> Result<Node, ConditionError> {
        let mut left = self.atom(depth)?;
        while let Some(sign) = self.take_sign(&['*', '/', '%']) {
            left = Node::Arithmetic(sign, Box::new(left), Box::new(self.atom(depth)?));
        }
        Ok(left)
    }

    fn atom(&mut self, depth: usize) -> Result<Node, ConditionError> {
        if depth > DEPTH_MAX {
            return Err(self.fault("fewer levels"));
        }
        if self.take_sign(&['-']).is_some() {
            return Ok(Node::Minus(Box::new(self.atom(depth + 1)?)));
        }
        if self.take_sign(&['(']).is_some() {
            let inner = self.any(depth + 1)?;
            return match self.take_sign(&[')']) {
                Some(_) => Ok(inner),
                None => Err(self.fault("`)`")),
            };
        }
        let node = match &self.peek().1 {
            Token::Number(number) => Node::Value(Value::Number(*number)),
            Token::Text(text) => Node::Value(Value::Text(text.clone())),
            Token::Word(word) if word == "true" => Node::Value(Value::Truth(true)),
            Token::Word(word) if word == "false" => Node::Value(Value::Truth(false)),
            Token::Word(word) if !matches!(word.as_str(), "and" | "or" | "not") => Node::Name(word.clone()),
            _ => return Err(self.fault("a parameter, a number, a text or `(`")),
        };
        self.at += 1;
        Ok(node)
    }
}
